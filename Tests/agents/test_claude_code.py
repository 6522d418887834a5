"""The real Claude Code: sessions with tools, sub-agents, its own arithmetic of cost, and its ways to name a repository."""

import json

import ledger

VERSION = "2.1.330"


def done(run):
    """The program's own report of a session that went well."""
    assert run.code == 0, run
    report = json.loads(run.out)
    assert not report["is_error"] and "task is done" in report["result"], run
    return report


def test_a_session_with_tools_is_whole_attributed_and_priced(weir, simulation, tap, laptop):
    secret = weir.key(developer="claude-ana")
    report = done(laptop.claude(
        tap, secret, "Look around. [sim rounds=2]", environment={"ANTHROPIC_CUSTOM_HEADERS": "x-weir-repo: acme/shop"}))
    assert report["num_turns"] == 3 and report["permission_denials"] == []
    assert [line.split("?")[0] for line in tap.posts] == ["POST /v1/messages"] * 3, tap.requests

    turns = ledger.turns(weir, secret, 3)
    assert len(turns) == 3
    for turn in turns:
        ledger.check_turn(turn, "claude-code", VERSION, "acme/shop", "weir_header", report["session_id"])
        assert turn["endpoint"] == "messages" and turn["stream"]
    assert [turn["tool_calls"] for turn in turns] == [1, 1, 0]
    # Claude Code keeps a price list of its own. Two lists and two ways to add: the same sum to the nano-dollar.
    assert ledger.cost(turns) == round(report["total_cost_usd"] * 1_000_000_000)
    ledger.check_reports(weir, secret, "claude-ana", "acme/shop", "claude-code", report["session_id"], turns)
    # Weir's own header is between the client and Weir.
    for seen in simulation.requests():
        names = {name.lower() for name, _ in seen["headers"]}
        assert "x-weir-repo" not in names and "authorization" not in names, names


def test_a_sub_agent_is_named_and_counts_for_its_parents_session(weir, simulation, tap, laptop):
    secret = weir.key("--repository", "github.com/acme/shop", developer="claude-ben")
    report = done(laptop.claude(tap, secret, "Share the work. [sim tool=Agent,Bash rounds=2]"))
    assert report["subagent_stats"]["completed"] == 1, report
    turns = ledger.turns(weir, secret, 5)
    assert len(turns) == len(tap.posts) == 5
    children = [turn for turn in turns if turn.get("sub_agent")]
    assert len(children) == 2 and len({ledger.value(turn, "sub_agent") for turn in children}) == 1
    for turn in turns:
        # The key is bound to a repository: nothing needs to be set on the laptop.
        ledger.check_turn(turn, "claude-code", VERSION, "github.com/acme/shop", "key", report["session_id"])
    assert ledger.cost(turns) == round(report["total_cost_usd"] * 1_000_000_000)
    row = ledger.check_reports(
        weir, secret, "claude-ben", "github.com/acme/shop", "claude-code", report["session_id"], turns)
    assert row["sub_agents"] == [ledger.value(children[0], "sub_agent")]


def test_a_resumed_conversation_stays_one_session(weir, simulation, tap, laptop):
    secret = weir.key("--repository", "github.com/acme/shop", developer="claude-cho")
    first = done(laptop.claude(tap, secret, "Begin. [sim rounds=1]"))
    second = done(laptop.claude(tap, secret, "Go on. [sim rounds=0]", "--resume", first["session_id"]))
    assert second["session_id"] == first["session_id"]
    turns = ledger.turns(weir, secret, 3)
    assert {ledger.value(turn, "session") for turn in turns} == {first["session_id"]}
    ledger.check_reports(
        weir, secret, "claude-cho", "github.com/acme/shop", "claude-code", first["session_id"], turns)


def test_the_key_may_come_as_an_api_key_too(weir, simulation, tap, laptop):
    secret = weir.key(developer="claude-dee")
    report = done(laptop.claude(
        tap, secret, "Say hi. [sim rounds=0]", environment={"ANTHROPIC_AUTH_TOKEN": "", "ANTHROPIC_API_KEY": secret}))
    turn = ledger.turns(weir, secret)[0]
    assert ledger.value(turn, "session") == report["session_id"]


def test_its_discovery_of_models_is_answered(weir, simulation, tap, laptop):
    secret = weir.key(developer="claude-eva")
    done(laptop.claude(
        tap, secret, "Say hi. [sim rounds=0]",
        environment={"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": ""}))
    assert tap.requests[0] == "GET /v1/models?limit=1000 HTTP/1.1", tap.requests
    turns = ledger.turns(weir, secret)
    assert {turn["status"] for turn in turns} == {200}
