"""Answers that break under a real program: it tries again and finishes, and each try that the provider served is in the ledger."""

import json

import ledger
import pytest


@pytest.mark.parametrize("fault", ["cut:6", "error-event:6", "status:500"])
def test_codex_finishes_after_a_broken_answer(weir, simulation, tap, laptop, fault):
    secret = weir.key(developer="fault-codex")
    simulation.arm(fault)
    run = laptop.codex(tap, secret, "Look around. [sim rounds=1]")
    assert run.code == 0 and "task is done" in run.out, run
    check(weir, simulation, tap, secret, fault)


@pytest.mark.parametrize("fault", ["cut:6", "error-event:6", "status:500"])
def test_claude_code_finishes_after_a_broken_answer(weir, simulation, tap, laptop, fault):
    secret = weir.key(developer="fault-claude")
    simulation.arm(fault)
    run = laptop.claude(tap, secret, "Look around. [sim rounds=1]")
    assert run.code == 0 and "task is done" in json.loads(run.out)["result"], run
    check(weir, simulation, tap, secret, fault)


def check(weir, simulation, tap, secret, fault):
    """Every request that arrived is a turn, in one session; the broken one is marked, and billed where the provider served it."""
    turns = ledger.turns(weir, secret, len(tap.posts))
    assert len(turns) == len(tap.posts) == len(simulation.requests()) >= 3, (tap.requests, turns)
    assert len({ledger.value(turn, "session") for turn in turns}) == 1
    broken, whole = turns[0], turns[1:]
    if fault == "status:500":
        assert broken["status"] == 500 and broken["cost_nano_usd"] == 0, broken
    else:
        assert broken["status"] == 200, broken
        assert broken["error"] or broken["usage_source"] == "estimated", broken
        assert broken["cost_nano_usd"] > 0, broken
    assert all(turn["status"] == 200 and turn["usage_source"] == "provider" for turn in whole), whole
