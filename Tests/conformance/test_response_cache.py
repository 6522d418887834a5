"""The exact response cache on the real binary: what the official SDKs get from it, what the ledger and budgets say of a hit, and that two
tenants never share."""

import http.client
import json
import urllib.parse

import pytest

import weirkit
from gateway import gateway_with
from raw import PATHS, post, read_answer

SETTINGS = """routes:
  - model: kept
    cache: {seconds: 600}
    deployments: [simulated/gpt-5.4-mini]
  - model: kept-claude
    cache: {seconds: 600}
    deployments: [simulated/claude-opus-5-5]
  - model: shared
    cache: {seconds: 600, scope: team}
    deployments: [simulated/gpt-5.4-mini]
  - model: with-tools
    cache: {seconds: 600, tools: true}
    deployments: [simulated/gpt-5.4-mini]
  - model: short
    cache: {seconds: 1}
    deployments: [simulated/gpt-5.4-mini]
limits:
  response_cache_entry_bytes_max: 65536
budgets:
  - {name: money, usd: "1000", window: month, zone: UTC}
usage_limits:
  - {name: calls, limit: 100000, unit: requests, window: month, zone: UTC}
"""
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(extra=SETTINGS) as made:
        yield made


def body(model, text, **more):
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def served(gateway):
    return len(gateway.simulation.served())


def used(gateway, kind, name):
    counters = gateway.weir.json(kind, "show", name)["counters"]
    return sum(counter["used"] for counter in counters), sum(counter["reserved"] for counter in counters)


def test_the_openai_sdk_gets_the_same_answer_at_no_cost(gateway):
    client = gateway.openai()
    before = served(gateway)
    first, second = (
        client.chat.completions.with_raw_response.create(**body("kept", "What is a monad?")) for _ in range(2))
    assert [one.headers["x-weir-cache"] for one in (first, second)] == ["miss", "hit"]
    assert first.content == second.content and served(gateway) == before + 1
    assert first.parse().choices[0].message.content == second.parse().choices[0].message.content != ""
    assert second.headers["x-weir-cost-nano-usd"] == "0" and second.headers["x-weir-deployment"] == "simulated/gpt-5.4-mini"
    hit, miss = gateway.turns(limit=2)
    assert hit["request_id"] == second.headers["x-weir-request-id"] and miss["request_id"] == first.headers["x-weir-request-id"]
    assert miss["cost_nano_usd"] > 0 and "cached" not in miss["flags"] and "cached" not in miss
    assert hit["cost_nano_usd"] == hit["reserved_nano_usd"] == 0 and "cached" in hit["flags"] and hit["tries"] == []
    assert hit["cached"]["from"] == miss["request_id"] and hit["cached"]["saved_nano_usd"] == miss["cost_nano_usd"]
    assert all(value == 0 for value in hit["usage"].values()) and hit["usage_source"] == "none"
    shown = gateway.weir.cli("turn", "show", hit["request_id"]).stdout
    assert miss["request_id"] in shown and "would have cost" in shown


@pytest.mark.parametrize("model", ["kept", "kept-claude"])
def test_a_stream_replays_its_events(gateway, model):
    client = gateway.openai()

    def chunks():
        stream = client.chat.completions.create(
            **body(model, f"Tell {model} a story.", max_tokens=300), stream=True, stream_options={"include_usage": True})
        return [chunk.model_dump() for chunk in stream]

    before = served(gateway)
    first = chunks()
    assert len(first) > 2 and chunks() == first and served(gateway) == before + 1
    hit = gateway.last_turn()
    assert "cached" in hit["flags"] and hit["stream"] and hit["cost_nano_usd"] == 0
    # A whole answer is another request.
    client.chat.completions.create(**body(model, f"Tell {model} a story.", max_tokens=300))
    assert served(gateway) == before + 2


def test_the_anthropic_sdk_gets_messages_and_streams_again(gateway):
    client = gateway.anthropic()
    request = dict(model="kept-claude", max_tokens=300, messages=[{"role": "user", "content": "Why is the sky blue?"}])
    before = served(gateway)
    # Who asks, for Anthropic's statistics, is no part of the question.
    first, second = (client.messages.create(**request, metadata={"user_id": name}) for name in ("a", "b"))
    assert first.model_dump() == second.model_dump() and served(gateway) == before + 1

    def events():
        with client.messages.stream(**request) as stream:
            return [event.model_dump() for event in stream]

    once = events()
    assert events() == once and once[-1]["type"] == "message_stop" and served(gateway) == before + 2
    # Another version of the API, or another beta, may answer otherwise.
    client.messages.create(**request, extra_headers={"anthropic-beta": "something-2026-01-01"})
    assert served(gateway) == before + 3


def sent_with(gateway, dialect, request, *fields):
    """The state of the cache for a request with these fields, of which several may have one name."""
    place = urllib.parse.urlsplit(gateway.weir.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    payload = json.dumps(request).encode()
    connection.putrequest("POST", PATHS[dialect])
    for name, value in (("content-type", "application/json"), ("authorization", f"Bearer {gateway.key}"),
                        ("content-length", str(len(payload))), *fields):
        connection.putheader(name, value)
    connection.endheaders(payload)
    answer = read_answer(connection)
    assert answer.status == 200, answer.body
    return answer.headers["x-weir-cache"]


@pytest.mark.parametrize("dialect, model, name", [
    ("messages", "kept-claude", "anthropic-beta"), ("chat", "kept", "OpenAI-Beta"), ("chat", "kept", "openai-something-new")])
def test_every_field_that_a_provider_reads_tells_requests_apart_however_often_it_comes(gateway, dialect, model, name):
    request = body(model, f"Told apart by {name}.", max_tokens=50)
    one, other, last = (name, "one-2026-01-01"), (name, "other-2026-01-01"), (name, "last-2026-01-01")
    lists = [[], [one], [one, other], [one, last], [other, one], [one, other, last]]
    assert [sent_with(gateway, dialect, request, *fields) for fields in lists] == ["miss"] * len(lists)
    assert [sent_with(gateway, dialect, request, *fields) for fields in lists] == ["hit"] * len(lists)
    # Fields of other names, before or between, and the case of a name make no difference.
    between = [("x-mine", "1"), (one[0].swapcase(), one[1]), ("x-mine", "2"), other]
    assert sent_with(gateway, dialect, request, *between) == "hit"


def test_bytes_are_the_same_and_a_refresh_takes_the_place_of_the_old(gateway):
    def ask(wish=None, stream=True):
        headers = {"x_weir_cache": wish} if wish else {}
        return post(gateway.weir.url, "chat", gateway.key, body("kept", "Bytes.", stream=stream), **headers)

    first, second = ask(), ask()
    assert first.body == second.body and second.headers["x-weir-cache"] == "hit"
    before = served(gateway)
    bypassed = ask("bypass")
    assert served(gateway) == before + 1 and "x-weir-cache" not in bypassed.headers and bypassed.body != first.body
    assert ask().body == first.body
    refreshed = ask("refresh")
    assert served(gateway) == before + 2 and refreshed.headers["x-weir-cache"] == "miss"
    assert ask().body == refreshed.body != first.body and served(gateway) == before + 2


def test_two_tenants_never_share_unless_the_route_says_so(gateway):
    before = served(gateway)
    keys = [gateway.key, *(gateway.weir.key(developer=who, team=team) for who, team in (("nina", "web"), ("nina", "web"), ("olaf", "ops")))]
    for key in keys:
        assert post(gateway.weir.url, "chat", key, body("kept", "Mine.")).headers["x-weir-cache"] == "miss"
    assert served(gateway) == before + 4
    states = [post(gateway.weir.url, "chat", key, body("shared", "Ours.")).headers["x-weir-cache"] for key in keys[1:]]
    assert states == ["miss", "hit", "miss"], "a team shares, and no other team gets it"


def test_what_is_not_kept(gateway):
    def states(request, model="kept", **options):
        answers = [post(gateway.weir.url, "chat", gateway.key, {**request, "model": model}, **options) for _ in range(2)]
        return [one.headers.get("x-weir-cache") for one in answers]

    before = served(gateway)
    assert states(body("", "With a tool.", tools=[TOOL])) == [None, None]
    assert states(body("", "With a tool.", tools=[TOOL]), model="with-tools") == ["miss", "hit"]
    assert states(body("", "Stored.", store=True)) == [None, None]
    assert states(body("", "Plain."), model="gpt-5.4-mini") == [None, None]
    # Failures, and answers that end in the middle.
    for fault, asked in (("status:500", 2), ("cut:3", 1), ("error-event:3", 1)):
        gateway.simulation.arm(fault, count=asked)
        post(gateway.weir.url, "chat", gateway.key, body("kept", f"Fails by {fault}.", stream=True))
        again = post(gateway.weir.url, "chat", gateway.key, body("kept", f"Fails by {fault}.", stream=True))
        assert again.headers["x-weir-cache"] == "miss" and again.status == 200, fault
    # Larger than an entry may be.
    long = body("", "Long.", stream=True)
    assert states(long, x_sim_chunks="2000") == ["miss", "miss"]
    assert served(gateway) > before


def test_a_kept_answer_ends_with_its_time(gateway):
    def state():
        return post(gateway.weir.url, "chat", gateway.key, body("short", "Brief.")).headers["x-weir-cache"]

    assert state() == "miss"
    # A hit does not make an answer younger, so that one after another ends in a miss.
    weirkit.wait_until(lambda: state() == "miss", 20, "the answer to end")


def test_requests_count_and_money_does_not(gateway):
    request = body("kept", "Counted.")
    post(gateway.weir.url, "chat", gateway.key, request)
    spent, calls = used(gateway, "budget", "money"), used(gateway, "limit", "calls")
    for _ in range(3):
        assert post(gateway.weir.url, "chat", gateway.key, request).headers["x-weir-cache"] == "hit"
    assert used(gateway, "budget", "money") == spent and spent[1] == 0
    assert used(gateway, "limit", "calls") == (calls[0] + 3, 0)


def test_a_hit_needs_no_provider(gateway):
    request = body("kept", "Alone.")
    first = post(gateway.weir.url, "chat", gateway.key, request)
    gateway.simulation.arm("status:503", count=1000)
    try:
        for _ in range(10):
            assert post(gateway.weir.url, "chat", gateway.key, body("kept", "Other.")).status == 503
        again = post(gateway.weir.url, "chat", gateway.key, request)
        assert again.status == 200 and again.body == first.body
    finally:
        gateway.simulation.arm("status:503", count=0)


def test_a_key_can_ask_for_it_and_refuse_it(gateway):
    asking, refusing = gateway.weir.key("--cache", "10m"), gateway.weir.key("--cache", "never")
    states = [
        [post(gateway.weir.url, "chat", key, body(model, "By key.")).headers.get("x-weir-cache") for _ in range(2)]
        for key, model in ((asking, "gpt-5.4-mini"), (refusing, "kept"))]
    assert states == [["miss", "hit"], [None, None]]
    shown = gateway.weir.json("key", "show", asking.split("_")[2])
    assert shown["cache_seconds"] == 600


def test_the_cache_is_shown_and_purged(gateway):
    for _ in range(2):
        post(gateway.weir.url, "chat", gateway.key, body("kept", "Shown."))
        post(gateway.weir.url, "chat", gateway.key, body("shared", "Shown."))
    figures = gateway.weir.json("cache", "show")
    assert figures["entries"] >= 2 and 0 < figures["bytes"] <= figures["bytes_max"]
    assert figures["hits"] >= 2 and 0 < figures["hit_percent"] < 100 and figures["saved_nano_usd"] > 0
    assert "HIT RATE" in gateway.weir.cli("cache", "show").stdout
    assert "answers forgotten" in gateway.weir.cli("cache", "purge", "--route", "shared").stdout
    left = gateway.weir.json("cache", "show")["entries"]
    assert 0 < left < figures["entries"]
    gateway.weir.cli("cache", "purge")
    empty = gateway.weir.json("cache", "show")
    assert empty["entries"] == empty["bytes"] == 0
    assert post(gateway.weir.url, "chat", gateway.key, body("kept", "Shown.")).headers["x-weir-cache"] == "miss"


def test_hits_survive_in_the_ledger_over_a_restart_as_what_they_are(gateway):
    request = body("kept", "Again.")
    for _ in range(2):
        post(gateway.weir.url, "chat", gateway.key, request)
    hit = gateway.last_turn()
    spent, calls = used(gateway, "budget", "money"), used(gateway, "limit", "calls")
    gateway.weir.stop()
    gateway.weir.start()
    assert gateway.last_turn() == hit
    assert used(gateway, "budget", "money") == spent and used(gateway, "limit", "calls") == calls
    # What was kept is gone with the process: nothing of it is written anywhere.
    assert post(gateway.weir.url, "chat", gateway.key, request).headers["x-weir-cache"] == "miss"
    assert json.loads(gateway.weir.cli("report", "spend", "--by", "model", "--format", "json").stdout)
