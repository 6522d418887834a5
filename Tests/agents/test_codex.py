"""The real Codex: sessions with tools, sub-agents, and both ways to point it at a gateway."""

import json

import ledger
import pytest
from laptop import REPOSITORY

VERSION = "0.163.0"


def session_of(run):
    return run.err.split("session id: ")[1].split()[0]


def test_a_session_with_tools_is_whole_attributed_and_priced(weir, simulation, tap, laptop):
    secret = weir.key(developer="codex-ana")
    run = laptop.codex(tap, secret, "Look around. [sim rounds=2]")
    assert run.code == 0, run
    assert run.out.startswith("After 2 tool results: the task is done."), run
    assert "echo step 0" in run.err and "echo step 1" in run.err, run
    assert tap.requests == ["POST /v1/responses HTTP/1.1"] * 3

    turns = ledger.turns(weir, secret, 3)
    assert len(turns) == 3
    for turn in turns:
        ledger.check_turn(turn, "codex", VERSION, REPOSITORY, "agent", session_of(run))
        assert turn["commit"] == {"value": laptop.commit, "source": "agent"}
        assert turn["endpoint"] == "responses" and turn["stream"]
    assert [turn["tool_calls"] for turn in turns] == [1, 1, 0]
    ledger.check_reports(weir, secret, "codex-ana", REPOSITORY, "codex", session_of(run), turns)


def test_newer_models_call_tools_by_scripts_and_offer_them_inside_the_input(weir, simulation, tap, laptop):
    secret = weir.key(developer="codex-ben")
    run = laptop.codex(tap, secret, "Look around. [sim rounds=2]", model="gpt-5.6-sol")
    assert run.code == 0 and run.out.startswith("After 2 tool results: the task is done."), run
    first = json.loads(simulation.requests()[0]["body"])
    assert first["input"][0]["type"] == "additional_tools" and "tools" not in first, "this model no longer shows the case"
    turns = ledger.turns(weir, secret, 3)
    for turn in turns:
        ledger.check_turn(turn, "codex", VERSION, REPOSITORY, "agent", session_of(run))
    assert [turn["tool_calls"] for turn in turns] == [1, 1, 0]
    ledger.check_reports(weir, secret, "codex-ben", REPOSITORY, "codex", session_of(run), turns)


def test_the_built_in_provider_falls_back_from_its_web_socket_after_one_attempt(weir, simulation, tap, laptop):
    secret = weir.key(developer="codex-cho")
    run = laptop.codex(tap, secret, "Look around. [sim rounds=2]", provider="openai")
    assert run.code == 0 and "After 2 tool results: the task is done." in run.out, run
    calls = [line for line in tap.requests if "/responses" in line]
    assert calls == ["GET /v1/responses HTTP/1.1"] + ["POST /v1/responses HTTP/1.1"] * 3, tap.requests
    turns = [turn for turn in ledger.turns(weir, secret, 4) if turn["status"] == 200]
    assert len(turns) == 3
    for turn in turns:
        ledger.check_turn(turn, "codex", VERSION, REPOSITORY, "agent", session_of(run))
    ledger.check_reports(weir, secret, "codex-cho", REPOSITORY, "codex", session_of(run), turns)


@pytest.mark.parametrize("model", ["gpt-5.3-codex", "gpt-5.6-sol"])
def test_a_sub_agent_is_named_and_counts_for_its_parents_session(weir, simulation, tap, laptop, model):
    # Two generations of tools for sub-agents, both in a namespace: one waits for an id, the other for whoever ends first.
    developer = f"codex-{model}"
    secret = weir.key(developer=developer)
    run = laptop.codex(tap, secret, "Share the work. [sim tool=spawn_agent,wait_agent rounds=2]", model=model)
    assert run.code == 0 and "task is done" in run.out, run

    turns = ledger.turns(weir, secret, len(tap.posts))
    children = [turn for turn in turns if turn.get("sub_agent")]
    parents = [turn for turn in turns if not turn.get("sub_agent")]
    assert len(children) >= 2 and len(parents) >= 3, turns
    assert len({ledger.value(turn, "sub_agent") for turn in children}) == 1
    assert ledger.value(children[0], "sub_agent") != session_of(run)
    assert {ledger.value(turn, "agent") for turn in children} == {"collab_spawn"}
    assert not any(turn.get("parent_session") for turn in turns)
    for turn in turns:
        ledger.check_turn(turn, "codex", VERSION, REPOSITORY, "agent", session_of(run))
    row = ledger.check_reports(weir, secret, developer, REPOSITORY, "codex", session_of(run), turns)
    assert row["sub_agents"] == [ledger.value(children[0], "sub_agent")]


def test_local_paths_and_passwords_stay_at_the_gateway(weir, simulation, tap, laptop):
    secret = weir.key(developer="codex-eva")
    assert laptop.codex(tap, secret, "Look around. [sim rounds=0]").code == 0
    seen = simulation.requests()[0]
    headers = dict((name.lower(), text) for name, text in seen["headers"])
    assert str(laptop.folder) not in json.dumps(seen["headers"])
    assert "acme/shop" in headers["x-codex-turn-metadata"]
    assert str(laptop.folder) not in json.loads(seen["body"])["client_metadata"]["x-codex-turn-metadata"]
    assert "s3cret" not in json.dumps(seen)
    assert secret not in json.dumps(seen)
    turn = ledger.turns(weir, secret)[0]
    assert "s3cret" not in json.dumps(turn) and str(laptop.folder) not in json.dumps(turn)
