"""Rates, places and elastic budgets: a wait where waiting helps, an end that each dialect understands where nothing more is granted."""

import concurrent.futures
import http.client
import json
import time
import urllib.parse

import pytest

import weirkit
from opencode_client import retries
from raw import MODELS, post, request_body

CONFIGURATION = """usage_limits:
  - {name: pace, limit: 2, unit: requests, window: per minute, for: {developer: slow}}
  - {name: queue, limit: 600, unit: requests, window: per minute, burst: 1, for: {developer: queued}, wait_milliseconds_max: 5000}
  - {name: at-once, limit: 2, unit: concurrent, for: {developer: parallel}}
  - {name: narrow, limit: 1000, unit: input_tokens, window: per minute, for: {developer: large}, wait_milliseconds_max: 2000}
  - {name: closed, limit: 0, unit: requests, window: per minute, for: {developer: shut}}
  - {name: burst-of-none, limit: 0, burst: 5, unit: requests, window: per minute, for: {developer: burst}}
  - {name: no-place, limit: 0, unit: concurrent, for: {developer: nowhere}}
budgets:
  - {name: elastic, usd: "0.20", window: day, group_by: [session], for: {developer: long}, mode: elastic, when_used_up: stop_now}
  - {name: blocks, usd: "0.20", window: day, group_by: [session], for: {developer: block}, mode: elastic, when_used_up: finish_block}
"""


@pytest.fixture(scope="module")
def keys(gateway):
    return {name: gateway.weir.key(developer=name) for name in (
        "slow", "queued", "parallel", "long", "block", "large", "shut", "burst", "nowhere")}


def test_a_full_rate_says_when_to_come_back(gateway, keys):
    for _ in range(2):
        assert post(gateway.weir.url, "chat", keys["slow"]).status == 200
    answer = post(gateway.weir.url, "chat", keys["slow"])
    assert answer.status == 429 and json.loads(answer.body)["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(answer.headers["retry-after"]) <= 30 and 0 < int(answer.headers["retry-after-ms"]) <= 30_000
    messages = post(gateway.weir.url, "messages", keys["slow"])
    assert messages.status == 429 and json.loads(messages.body)["error"]["type"] == "rate_limit_error"
    assert gateway.last_turn()["error"] == "rate_limited"


def test_a_short_wait_is_waited_for(gateway, keys):
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: post(gateway.weir.url, "chat", keys["queued"]).status, range(8)))
    # Ten a second, one at once: eight of them take seven tenths of a second, and none is refused.
    assert statuses == [200] * 8 and time.monotonic() - began > 0.65


def test_so_many_turns_at_once_and_a_place_comes_free_when_a_client_dies(gateway, keys):
    slow = {"x_sim_pace_ms": "200", "x_sim_chunks": "400"}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(hang_up_after_a_byte, gateway, keys["parallel"], slow) for _ in range(2)]
        held = [one.result() for one in running]
        refused = post(gateway.weir.url, "chat", keys["parallel"])
        assert refused.status == 429 and b"at once" in refused.body
        for connection in held:
            connection.close()
    weirkit.wait_until(lambda: post(gateway.weir.url, "chat", keys["parallel"]).status == 200, 5, "a place to come free")


NEVER = {
    "large": ("narrow", "input tokens of at most 1,000 input tokens at once"), "shut": ("closed", "0 requests per minute"),
    "burst": ("burst-of-none", "0 requests per minute"), "nowhere": ("no-place", "0 turns at once")}


@pytest.mark.parametrize("developer", NEVER)
def test_a_turn_that_never_fits_is_not_told_to_try_again_in_a_second(gateway, keys, developer):
    rule, amounts = NEVER[developer]
    words = [{"role": "user", "content": "a lot of words " * 2000}]
    large = {"chat": {"messages": words}, "messages": {"messages": words}, "responses": {"input": words}}
    codex = {"originator": "codex_cli_rs", "user_agent": "codex_cli_rs/0.163.0"}
    for dialect, status, fields in (("chat", 402, {}), ("messages", 429, {}), ("responses", 402, {}), ("responses", 400, codex)):
        answer = post(gateway.weir.url, dialect, keys[developer], request_body(dialect, **large[dialect]), **fields)
        assert answer.status == status, answer.body
        assert answer.headers["x-should-retry"] == "false" and not {"retry-after", "retry-after-ms"} & set(answer.headers)
        error = json.loads(answer.body)["error"]
        assert f'Limit "{rule}"' in error["message"] and "larger than the limit allows" in error["message"]
        assert amounts in error["message"] and "ry again" not in error["message"] and "anew" not in error["message"]
        # No conversation gets shorter by it, and no budget is meant.
        for trap in (retries.POLICY, retries.QUOTA_TEXT, retries.RATE_TEXT, retries.OVERFLOW_TEXT, retries.FIRST_OVERFLOW, retries.TOO_LARGE):
            assert not retries.says(error["message"], trap)
    assert gateway.last_turn()["error"] == "limit_exceeded"
    if developer == "large":
        assert post(gateway.weir.url, "chat", keys[developer]).status == 200, "what fits passes"


def hang_up_after_a_byte(gateway, key, headers):
    """A connection on which an answer has begun."""
    place = urllib.parse.urlsplit(gateway.weir.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(request_body("chat")), {
        "content-type": "application/json", "authorization": f"Bearer {key}",
        **{name.replace("_", "-"): value for name, value in headers.items()}})
    connection.getresponse().read1(1)
    return connection


LONG = {"x-sim-chunks": "20000", "x-sim-output-tokens": "32000"}


def test_an_elastic_budget_ends_a_chat_stream_as_one_that_reached_its_length(gateway, keys):
    chunks = list(gateway.openai(keys["long"], {"x-weir-session": "chat", **LONG}).chat.completions.create(
        model=MODELS["chat"], messages=[{"role": "user", "content": "On and on."}], stream=True, stream_options={"include_usage": True}))
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].usage.completion_tokens > 500
    check_stopped(gateway, "elastic")


def test_an_elastic_budget_ends_a_messages_stream_as_one_that_reached_its_length(gateway, keys):
    with gateway.anthropic(keys["long"], {"x-weir-session": "messages", **LONG}).messages.stream(
            model=MODELS["messages"], max_tokens=32_000, messages=[{"role": "user", "content": "On and on."}]) as stream:
        answer = stream.get_final_message()
    assert answer.stop_reason == "max_tokens" and answer.content[0].text.startswith("Chunk 0")
    check_stopped(gateway, "elastic")


def test_an_elastic_budget_ends_a_responses_stream_as_incomplete(gateway, keys):
    events = list(gateway.openai(keys["long"], {"x-weir-session": "responses", **LONG}).responses.create(
        model=MODELS["responses"], input="On and on.", stream=True))
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details.reason == "max_output_tokens" and events[-1].response.usage.output_tokens > 500
    check_stopped(gateway, "elastic")


def test_a_block_that_has_no_end_ends_where_what_was_granted_is_used_up(gateway, keys):
    chunks = list(gateway.openai(keys["block"], {"x-weir-session": "block", **LONG}).chat.completions.create(
        model=MODELS["chat"], messages=[{"role": "user", "content": "On and on."}], stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"
    check_stopped(gateway, "blocks")


def check_stopped(gateway, rule):
    """The turn says which rule ended it, nothing stays reserved, and the budget is over by no more than its printed bound."""
    turn = gateway.last_turn()
    assert turn["finish_reason"] == "limit" and turn["status"] == 200 and turn.get("error") is None and "truncated" in turn["flags"]
    trace = next(one for one in turn["limits"] if one["rule"] == rule)
    assert trace["decided"]
    shown = gateway.weir.json("budget", "show", rule)
    counter = next(one for one in shown["counters"] if one["group"][0] == turn["session"]["value"])
    dearest = {"chat": 30, "messages": 20, "responses": 30, "block": 30}[turn["session"]["value"]]
    assert counter["reserved"] == 0 and counter["used"] <= counter["limit"] + 512 * dearest * 1000
    assert "512 output tokens" in gateway.weir.cli("budget", "show", rule).stdout
