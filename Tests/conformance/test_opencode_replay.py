"""OpenCode's requests, replayed: what the ledger says of each, and whether the version that sent it takes the answer."""

import json

import pytest

from listed import LISTED, cost_nano_usd
from opencode_client import first, second
from opencode_client.sse import Refused
from opencode_client.wire import BY_NAME, FOLDER, REQUESTS, send

READERS = {1: first.READERS, 2: second.READERS}
each_request = pytest.mark.parametrize("request_", REQUESTS, ids=str)


def read(request, answer):
    return READERS[request.version][request.dialect](answer.body, answer.is_whole)


def plain(turn, name):
    value = turn.get(name)
    return value["value"] if isinstance(value, dict) else value


@each_request
def test_every_request_is_attributed_as_it_says(gateway, request_):
    answer, _ = send(gateway, request_)
    assert answer.status == 200, answer.body
    turn = gateway.last_turn()
    names = ("session", "parent_session", "agent", "repository", "branch", "commit", "project", "affinity", "client", "client_version")
    assert {name: plain(turn, name) for name in names} == {name: request_.expected.get(name) for name in names}
    source = "weir_header" if "repository" in request_.expected else "agent"
    assert turn["session"]["source"] == source
    assert (turn["flags"], turn["error"] if "error" in turn else None, turn["stream"]) == ([], None, True)
    assert turn["developer"] == "owner", "who it was comes from the key alone"


@each_request
def test_every_answer_is_read_by_the_version_that_asked(gateway, request_):
    answer, _ = send(gateway, request_)
    got = read(request_, answer)
    turn = gateway.last_turn()
    assert got.text or got.tools
    assert len(got.tools) == turn["tool_calls"]
    assert got.usage and turn["usage_source"] == "provider"
    known = {tool["function"]["name"] if "function" in tool else tool["name"] for tool in request_.body.get("tools", [])}
    assert {tool.name for tool in got.tools} <= known and all(json.loads(tool.arguments or "{}") is not None for tool in got.tools)
    assert len({tool.id for tool in got.tools}) == len(got.tools)
    if turn["model_asked"] in LISTED:
        assert turn["cost_nano_usd"] == cost_nano_usd(turn["model_asked"], turn["usage"]) > 0
    # The client's own arithmetic of the answer comes to the ledger's tokens.
    used = turn["usage"]
    inputs = sum(used[name] for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h") if used.get(name))
    if request_.dialect == "chat":
        assert (got.usage["prompt_tokens"], got.usage["completion_tokens"]) == (inputs, used["output"])
    elif request_.dialect == "responses":
        assert (got.usage["input_tokens"], got.usage["output_tokens"]) == (inputs, used["output"])
    else:
        own = sum(got.usage.get(name) or 0 for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
        assert (own, got.usage["output_tokens"]) == (inputs, used["output"])


@each_request
def test_the_body_passes_byte_for_byte_and_weirs_labels_stay_here(gateway, request_):
    _, data = send(gateway, request_)
    served = gateway.simulation.requests()[-1]
    assert served["body"].encode() == data
    names = [name.lower() for name, _ in served["headers"]]
    assert not [name for name in names if name.startswith("x-weir-") and name != "x-weir-request-id"]
    assert gateway.key not in json.dumps(served)


def test_sub_agents_roll_up_to_their_root_and_forks_stand_alone(gateway):
    root, child, fork = (BY_NAME[f"v2_chat{name}"] for name in ("", "_sub_agent", "_fork"))
    for request in (root, child, fork):
        send(gateway, request)
    shown = gateway.read(f"/sessions/{root.expected['session']}")
    found = json.dumps(shown)
    assert child.expected["session"] in found, "the sub-agent is shown with its root"
    alone = gateway.read(f"/sessions/{fork.expected['session']}")
    assert root.expected["session"] not in json.dumps(alone["sessions"])
    assert alone["sessions"][0].get("parent_session") is None


def test_signatures_of_thinking_reach_the_client_as_they_were(gateway):
    for name in ("v1_messages_tool_loop", "v2_messages_tool_loop"):
        answer, _ = send(gateway, BY_NAME[name])
        got = read(BY_NAME[name], answer)
        assert got.reasoning and got.signatures
        assert all(signature.encode() in answer.body for signature in got.signatures)


@pytest.mark.parametrize("fault", ["crlf", "comments", "slow-head:200", "no-usage"])
@pytest.mark.parametrize("name", ["chat", "messages", "responses"])
@pytest.mark.parametrize("version", (1, 2))
def test_odd_but_lawful_streams_are_read(gateway, version, name, fault):
    request = BY_NAME[f"v{version}_{name}"]
    answer, _ = send(gateway, request, headers=[("x-sim-fault", fault)])
    if fault == "no-usage" and version == 1 and name != "chat":
        with pytest.raises(Refused):
            read(request, answer)
    else:
        got = read(request, answer)
        assert got.text or got.tools
    # What the provider does not say is estimated and marked, whatever the client makes of the stream.
    turn = gateway.last_turn()
    assert turn["cost_nano_usd"] > 0 and ("estimated" in turn["flags"]) == (fault == "no-usage"), turn


@pytest.mark.parametrize("name", ["chat", "messages", "responses"])
@pytest.mark.parametrize("version", (1, 2))
def test_a_stream_that_breaks_is_seen_as_broken_and_not_as_an_end(gateway, version, name):
    request = BY_NAME[f"v{version}_{name}"]
    answer, _ = send(gateway, request, headers=[("x-sim-fault", "cut:4")])
    assert not answer.is_whole
    with pytest.raises(Refused) as caught:
        read(request, answer)
    assert caught.value.is_tried_again
    assert gateway.last_turn()["error"] == "upstream_truncated"


def test_the_websocket_that_the_second_version_tries_first_is_refused_so_that_it_falls_back(gateway):
    request = BY_NAME["v2_responses"]
    before = len(gateway.turns(limit=500))
    asked = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("openai-beta", "responses_websockets=2026-02-06")]
    answer, _ = send(gateway, request, body={}, method="GET", headers=asked)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (426, "websocket_not_supported")
    again, _ = send(gateway, request)
    assert read(request, again).text or read(request, again).tools
    new = gateway.turns(limit=500)[: len(gateway.turns(limit=500)) - before]
    assert [turn["status"] for turn in new if turn["cost_nano_usd"]] == [200]


@pytest.mark.parametrize("case", json.loads((FOLDER / "remotes.json").read_text()), ids=lambda case: case["remote"])
def test_a_remote_has_one_name_here_and_in_the_plugin(gateway, case):
    send(gateway, BY_NAME["v2_chat"], headers=[("x-weir-repo", case["remote"])])
    assert plain(gateway.last_turn(), "repository") == case["name"]
