"""Streams that go wrong in the middle: the client gets what the provider sent, byte for byte, and the ledger says what it was
and what it cost."""

import re
import time

import pytest

from raw import post, request_body

CONFIGURATION = "limits:\n  stream_idle_seconds: 1\n"
DIALECTS = ("chat", "responses", "messages")


def plain(text):
    """The bytes without what differs from one answer of the simulation to the next."""
    text = re.sub(rb"sim\d+", b"simN", text)
    text = re.sub(rb"(c2ltdWxhdGVk)\d+", rb"\1N", text)
    text = re.sub(rb"call_\d+", b"call_N", text)
    return re.sub(rb'("created(_at)?":)\d+', rb"\1N", text)


def both(gateway, dialect, fault):
    """The same request to Weir and to the provider itself; the answers and the turn."""
    mine = post(gateway.weir.url, dialect, gateway.key, x_sim_fault=fault)
    theirs = post(gateway.simulation.url, dialect, "none", x_sim_fault=fault)
    assert mine.status == theirs.status
    return mine, theirs, gateway.last_turn()


def assert_priced_by_estimate(turn, has_output=True):
    assert "estimated" in turn["flags"] and turn["cost_nano_usd"] > 0
    assert turn["usage"]["input"] + turn["usage"]["cache_write_5m"] > 0
    assert turn["usage"]["output"] > 0 or not has_output


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["crlf", "comments", "garbage:3", "slow-head:300"])
def test_odd_streams_pass_and_are_billed_exactly(gateway, dialect, fault):
    mine, theirs, turn = both(gateway, dialect, fault)
    assert plain(mine.body) == plain(theirs.body) and mine.is_whole
    assert (turn.get("error"), turn["usage_source"], turn["flags"]) == (None, "provider", ["session_inferred"])
    assert turn["cost_nano_usd"] > 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("events", [0, 1, 3, 8])
def test_a_stream_that_the_provider_cuts_is_cut_for_the_client_too(gateway, dialect, events):
    mine, theirs, turn = both(gateway, dialect, f"cut:{events}")
    assert plain(mine.body) == plain(theirs.body) and not mine.is_whole
    assert turn.get("error") == "upstream_truncated" and {"truncated", "estimated"} <= set(turn["flags"])
    assert turn["status"] == 200
    assert_priced_by_estimate(turn, has_output=events == 8)
    says_input = dialect == "messages" and events > 0
    assert turn["usage_source"] == ("provider_partial" if says_input else "estimated")


def test_a_cut_stream_with_a_withheld_event_gives_up_what_it_kept(gateway):
    body = request_body("chat")
    del body["stream_options"]
    mine = post(gateway.weir.url, "chat", gateway.key, body=body, x_sim_fault="cut:5")
    theirs = post(gateway.simulation.url, "chat", "none", body=body, x_sim_fault="cut:5")
    mine_events, their_events = (re.findall(rb'"content":"([^"]*)"', answer.body) for answer in (mine, theirs))
    assert mine_events == their_events and not mine.is_whole


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_that_stalls_is_cut_at_the_limit(gateway, dialect):
    started = time.monotonic()
    mine = post(gateway.weir.url, dialect, gateway.key, x_sim_fault="stall:6")
    assert 0.8 < time.monotonic() - started < 6
    turn = gateway.last_turn()
    assert not mine.is_whole and mine.body.count(b"data:") == 6
    assert turn.get("error") == "upstream_truncated" and "truncated" in turn["flags"]
    assert_priced_by_estimate(turn)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_event_inside_a_200_is_a_failed_turn_that_costs(gateway, dialect):
    mine, theirs, turn = both(gateway, dialect, "error-event:6")
    assert plain(mine.body) == plain(theirs.body) and b"rror" in mine.body and mine.is_whole
    assert (turn["status"], turn.get("error")) == (200, "upstream_stream_error")
    assert turn["finish_reason"] in ("server_error", "overloaded_error")
    assert_priced_by_estimate(turn)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_without_its_last_event(gateway, dialect):
    mine, theirs, turn = both(gateway, dialect, "no-done")
    assert plain(mine.body) == plain(theirs.body) and mine.is_whole
    if dialect == "responses":
        # Without `response.completed` there is neither an end nor a usage.
        assert turn.get("error") == "upstream_truncated" and "truncated" in turn["flags"]
        assert_priced_by_estimate(turn)
    else:
        assert (turn.get("error"), turn["usage_source"], turn["flags"]) == (None, "provider", ["session_inferred"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_json_answer_to_a_streaming_request_is_read_as_what_it_is(gateway, dialect):
    mine, theirs, turn = both(gateway, dialect, "json")
    assert plain(mine.body) == plain(theirs.body) and mine.is_whole
    assert mine.headers["content-type"] == "application/json"
    assert (turn.get("error"), turn["usage_source"]) == (None, "provider") and turn["cost_nano_usd"] > 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_stream_without_usage_is_estimated(gateway, dialect):
    mine, theirs, turn = both(gateway, dialect, "no-usage")
    assert plain(mine.body) == plain(theirs.body) and mine.is_whole
    assert b'"usage":{' not in mine.body
    assert (turn.get("error"), turn["usage_source"]) == (None, "estimated")
    assert_priced_by_estimate(turn)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_instead_of_a_stream_costs_nothing(gateway, dialect):
    mine, theirs, turn = both(gateway, dialect, "html")
    assert mine.body == theirs.body and mine.status == 502
    assert (turn.get("error"), turn["cost_nano_usd"], turn["usage_source"]) == ("upstream_502", 0, "none")
