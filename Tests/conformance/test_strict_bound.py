"""The bound of a strict budget on the real binary: pictures, documents and searches that the provider makes by itself are reserved before
they are sent, and what nothing bounds is refused with the name of what to change."""

import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from gateway import gateway_with
from raw import post

CONFIGURATION = """budgets:
  - {name: firm, usd: "100000", window: day, for: {developer: firm}}
  - {name: soft, usd: "100000", window: day, for: {developer: soft}, mode: elastic}
"""
PROVIDERS = """  - name: google
    kind: simulated
    base_url: {simulation}
    dialects: [gemini]
    models: [gemini-3.5-flash]
"""
CLAUDE, GPT = "claude-opus-5-5", "gpt-6.1-sol"
CONTEXT = {CLAUDE: 1_000_000, GPT: 1_050_000}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(CONFIGURATION, PROVIDERS) as made:
        made.firm, made.soft = made.weir.key(developer="firm"), made.weir.key(developer="soft")
        yield made


def reserved(gateway):
    """What the budget held for the last turn, which must have been enough."""
    turn = gateway.last_turn()
    assert turn["status"] == 200 and "over_reserved" not in turn["flags"], turn
    trace = turn["limits"][0]
    assert trace["used"] <= trace["reserved"]
    return trace["reserved"]


def ask_claude(gateway, content="Look.", **options):
    headers = options.pop("headers", {})
    return gateway.anthropic(options.pop("key", gateway.firm), headers).messages.create(
        model=CLAUDE, max_tokens=50, messages=[{"role": "user", "content": content}], **options)


def ask_gpt(gateway, **options):
    headers = options.pop("headers", {})
    return gateway.openai(options.pop("key", gateway.firm), headers).responses.create(
        model=GPT, input="Look.", max_output_tokens=50, **options)


def image(**source):
    return [{"type": "text", "text": "Look."}, {"type": "image", "source": source}]


def test_a_picture_is_reserved_at_the_most_that_its_provider_makes_of_it(gateway):
    ask_claude(gateway)
    plain = reserved(gateway)
    ask_claude(gateway, image(type="url", url="https://pictures.test/a.png"), headers={"x-sim-input-tokens": "8000"})
    by_url = reserved(gateway)
    assert by_url > plain + 8000 * 4_000
    # Inline, its bytes are no text: a large one is reserved as a small one is.
    counted = {"x-sim-input-tokens": "8000"}
    ask_claude(gateway, image(type="base64", media_type="image/png", data=PIXEL), headers=counted)
    small = reserved(gateway)
    ask_claude(gateway, image(type="base64", media_type="image/png", data="A" * 400_000), headers=counted)
    assert reserved(gateway) == small


def test_a_document_is_reserved_as_all_that_the_context_holds(gateway):
    document = {"type": "document", "source": {"type": "url", "url": "https://papers.test/a.pdf"}}
    ask_claude(gateway, [document], headers={"x-sim-input-tokens": str(CONTEXT[CLAUDE])})
    assert reserved(gateway) >= CONTEXT[CLAUDE] * 4_000


def test_capped_searches_are_reserved_with_their_fees_and_the_context_again(gateway):
    ask_claude(gateway, tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
               headers={"x-sim-input-tokens": str(3 * CONTEXT[CLAUDE])})
    assert reserved(gateway) >= 3 * (10_000_000 + CONTEXT[CLAUDE] * 4_000)
    ask_gpt(gateway, tools=[{"type": "web_search"}], max_tool_calls=2, headers={"x-sim-input-tokens": str(2 * CONTEXT[GPT])})
    assert reserved(gateway) >= 2 * (10_000_000 + CONTEXT[GPT] * 2_000)
    assert gateway.sent()["max_tool_calls"] == 2


def test_a_request_that_caps_no_calls_gets_a_cap_of_one(gateway):
    ask_gpt(gateway, tools=[{"type": "web_search"}])
    assert reserved(gateway) >= 10_000_000 + CONTEXT[GPT] * 2_000
    assert gateway.sent()["max_tool_calls"] == 1
    # Where no strict budget holds for it, nothing is put into it.
    ask_gpt(gateway, key=gateway.soft, tools=[{"type": "web_search"}])
    assert "max_tool_calls" not in gateway.sent()


def test_a_response_that_goes_on_from_another_is_reserved_with_all_that_may_stand_before_it(gateway):
    first = ask_gpt(gateway)
    ask_gpt(gateway, previous_response_id=first.id, headers={"x-sim-input-tokens": str(CONTEXT[GPT])})
    assert reserved(gateway) >= CONTEXT[GPT] * 2_000


UNBOUNDED = {
    "code_interpreter": lambda gateway, key: ask_gpt(
        gateway, key=key, tools=[{"type": "code_interpreter", "container": {"type": "auto"}}], max_tool_calls=1),
    "mcp": lambda gateway, key: ask_gpt(
        gateway, key=key, tools=[{"type": "mcp", "server_label": "a", "server_url": "https://mcp.test"}]),
    "tools[0].max_uses": lambda gateway, key: ask_claude(
        gateway, key=key, tools=[{"type": "web_search_20250305", "name": "web_search"}]),
    "code_execution_20250825": lambda gateway, key: ask_claude(
        gateway, key=key, tools=[{"type": "code_execution_20250825", "name": "code_execution"}]),
    "web_search_options": lambda gateway, key: gateway.openai(key).chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": "Look."}], web_search_options={}),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_what_nothing_bounds_is_refused_once_and_named(gateway, name):
    served, refusals = len(gateway.simulation.requests()), gateway.counters()["refusals"]
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as refused:
        UNBOUNDED[name](gateway, gateway.firm)
    words = json.dumps(refused.value.body)
    assert name in words and "firm" in words and "strict" in words
    assert gateway.counters()["refusals"] == refusals + 1 and len(gateway.simulation.requests()) == served
    assert gateway.last_turn()["error"] == "unbounded_under_budget"
    # An elastic budget lets it pass.
    assert UNBOUNDED[name](gateway, gateway.soft)


def test_googles_search_is_refused_in_googles_shape(gateway):
    client = genai.Client(api_key=gateway.firm, vertexai=False, http_options=types.HttpOptions(base_url=gateway.weir.url))
    search = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())], max_output_tokens=50)
    with pytest.raises(errors.ClientError) as refused:
        client.models.generate_content(model="google/gemini-3.5-flash", contents="Look.", config=search)
    assert refused.value.code == 400 and refused.value.status == "INVALID_ARGUMENT" and "googleSearch" in refused.value.message


def test_a_request_without_a_cap_is_bounded_in_the_words_of_its_dialect(gateway):
    body = {"contents": [{"role": "user", "parts": [{"text": "Look."}]}]}
    client = genai.Client(api_key=gateway.firm, vertexai=False, http_options=types.HttpOptions(base_url=gateway.weir.url))
    client.models.generate_content(model="google/gemini-3.5-flash", contents="Look.")
    # A model whose most is known is asked for no less.
    assert "max_tokens" not in gateway.sent() and gateway.sent()["contents"][0]["parts"] == body["contents"][0]["parts"]
    assert reserved(gateway) >= 65_536 * 9_000
    # A cap that is no number is not guessed at.
    answer = post(gateway.weir.url, "chat", gateway.firm, {
        "model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Look."}], "max_tokens": 1e3, "stream": False})
    assert answer.status in (200, 400) and (answer.status == 200 or b"max_tokens" in answer.body)
