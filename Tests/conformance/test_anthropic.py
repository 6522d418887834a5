"""The official Anthropic SDK on Messages: what it parses, and what lands in the ledger."""

import anthropic
import pytest

from listed import anthropic_classes, assert_turn

MODEL = "claude-opus-5-5"
ASK = [{"role": "user", "content": "Say what you did."}]
TOOLS = [{"name": name, "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}} for name in ("get_weather", "read")]


def create(client, **options):
    return client.messages.create(**{"model": MODEL, "max_tokens": 500, "messages": ASK, **options})


def test_a_whole_message(gateway):
    raw = gateway.anthropic(headers={"x-claude-code-session-id": "cc-1"}).messages.with_raw_response.create(
        model=MODEL, max_tokens=500, messages=ASK)
    message = raw.parse()
    assert message.content[0].text.startswith("The task is done.") and message.stop_reason == "end_turn"
    turn = gateway.last_turn()
    assert_turn(
        turn, MODEL, anthropic_classes(message.usage), endpoint="messages", stream=False, finish_reason="end_turn",
        client="anthropic-python", response_id=message.id, session={"value": "cc-1", "source": "agent"}, flags=[])
    assert turn["usage"]["cache_write_5m"] > 0
    assert raw.headers["request-id"] == turn["upstream_request_id"]
    assert raw.headers["x-weir-cost-nano-usd"] == str(turn["cost_nano_usd"])


def test_a_streamed_message_with_the_sdks_own_accumulator(gateway):
    with gateway.anthropic().messages.stream(model=MODEL, max_tokens=500, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[0].text and message.stop_reason == "end_turn"
    assert_turn(
        gateway.last_turn(), MODEL, anthropic_classes(message.usage), endpoint="messages", stream=True,
        finish_reason="end_turn", response_id=message.id)


def test_a_cache_for_an_hour_is_a_class_of_its_own(gateway):
    system = [{"type": "text", "text": "Rules. " * 100, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    message = create(gateway.anthropic(), system=system)
    turn = gateway.last_turn()
    assert turn["usage"]["cache_write_1h"] > 0 == turn["usage"]["cache_write_5m"]
    assert_turn(turn, MODEL, anthropic_classes(message.usage))


@pytest.mark.parametrize("streams", [False, True])
def test_parallel_tools(gateway, streams):
    client = gateway.anthropic(headers={"x-sim-parallel-tools": "2"})
    if streams:
        with client.messages.stream(model=MODEL, max_tokens=500, messages=ASK, tools=TOOLS) as stream:
            message = stream.get_final_message()
    else:
        message = create(client, tools=TOOLS)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [("get_weather", {"city": "Paris"}), ("read", {"city": "Paris"})]
    assert_turn(
        gateway.last_turn(), MODEL, anthropic_classes(message.usage), tool_calls=2, finish_reason="tool_use", stream=streams)


def test_a_thought_and_its_signature_survive_a_loop_of_tools(gateway):
    client = gateway.anthropic(headers={"x-weir-session": "thinking"})
    messages, rounds = [{"role": "user", "content": "Think, look, tell."}], 0
    while True:
        with client.messages.stream(
                model=MODEL, max_tokens=2000, messages=messages, tools=TOOLS,
                thinking={"type": "enabled", "budget_tokens": 1024}) as stream:
            message = stream.get_final_message()
        rounds += 1
        thought = message.content[0]
        assert thought.type == "thinking" and thought.thinking and thought.signature
        # The provider wrote its message's number into the signature.
        assert message.id.removeprefix("msg_sim") in thought.signature
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            break
        messages.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"} for call in calls]})
    assert rounds == 3
    replayed = [block["signature"] for sent in gateway.sent()["messages"] if sent["role"] == "assistant"
                for block in sent["content"] if block["type"] == "thinking"]
    assert replayed == [sent["content"][0]["signature"] for sent in messages[:-1] if sent["role"] == "assistant"]
    assert gateway.read("/sessions/thinking")["sessions"][0]["turns"] == 3


def test_counting_is_free(gateway):
    before = len(gateway.turns(limit=500))
    counted = gateway.anthropic().messages.count_tokens(model=MODEL, messages=ASK)
    assert counted.input_tokens > 0
    assert len(gateway.turns(limit=500)) == before


def test_models_are_listed_in_anthropics_shape(gateway):
    client = gateway.anthropic()
    models = list(client.models.list(limit=1000))
    assert MODEL in [model.id for model in models]
    assert all(model.type == "model" and model.display_name for model in models)
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(anthropic.APIStatusError, match="no-such-model"):
        client.models.retrieve("no-such-model")


def test_versions_betas_and_unknown_fields_pass_unchanged(gateway):
    create(
        gateway.anthropic(headers={"anthropic-beta": "one-2026-01-01,two-2026-02-02"}),
        extra_body={"context_management": {"edits": []}, "not_known_yet": [1, {"a": None}]})
    request = gateway.simulation.requests()[-1]
    headers = {name.lower(): value for name, value in request["headers"]}
    assert headers["anthropic-beta"] == "one-2026-01-01,two-2026-02-02" and headers["anthropic-version"]
    assert gateway.sent()["context_management"] == {"edits": []} and gateway.sent()["not_known_yet"] == [1, {"a": None}]
    assert "x-api-key" not in headers and "authorization" not in headers


def test_the_beta_messages_pass_with_their_query(gateway):
    message = gateway.anthropic().beta.messages.create(
        model=MODEL, max_tokens=100, messages=ASK, betas=["context-1m-2025-08-07"])
    assert message.stop_reason == "end_turn"
    assert gateway.simulation.requests()[-1]["path"] in ("/v1/messages?beta=true", "/v1/messages")
    assert_turn(gateway.last_turn(), MODEL, anthropic_classes(message.usage), endpoint="messages")


@pytest.mark.parametrize("field", ["x-api-key", "authorization"])
def test_the_key_is_taken_from_either_field(gateway, field):
    client = (
        anthropic.Anthropic(base_url=gateway.weir.url, auth_token=gateway.key) if field == "authorization"
        else anthropic.Anthropic(
            base_url=gateway.weir.url, api_key=gateway.key,
            default_headers={"x-api-key": gateway.key, "Authorization": anthropic.Omit()}))
    assert create(client).stop_reason == "end_turn"
