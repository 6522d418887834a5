"""Real agents on models whose provider speaks another dialect than they do: whole sessions with tools, translated by Weir."""

import json

import pytest
import weirkit

import ledger
from laptop import REPOSITORY
from tap import Tap

# Two providers that speak one dialect each, under names of the house.
PROVIDERS = """  - name: chat-only
    kind: simulated
    base_url: {simulation}
    dialects: [openai_chat]
    models: [nothing]
    aliases: {house-coder: gpt-5.2}
  - name: messages-only
    kind: simulated
    base_url: {simulation}
    dialects: [anthropic_messages]
    models: [nothing]
    aliases: {house-claude: claude-opus-4-8}
"""


@pytest.fixture(scope="module")
def gateway():
    with weirkit.running(PROVIDERS) as made:
        yield made


@pytest.fixture
def tap(gateway):
    made = Tap(gateway[0].port)
    yield made
    made.close()


def check(turns, deployment):
    for turn in turns:
        shown = json.dumps(turn, indent=1)
        assert turn["status"] == 200 and not turn.get("error"), shown
        assert turn["deployment"] == deployment and "translated" in turn["flags"], shown
        assert turn["usage_source"] == "provider" and turn["cost_nano_usd"] > 0, shown


def test_claude_code_works_on_a_model_that_speaks_chat_completions(gateway, tap, laptop):
    weir, simulation = gateway
    simulation.forget()
    secret = weir.key(developer="claude-on-chat")
    run = laptop.claude(tap, secret, "Look around. [sim rounds=2]", model="house-coder")
    assert run.code == 0, run
    report = json.loads(run.out)
    assert not report["is_error"] and "task is done" in report["result"] and report["num_turns"] == 3, run
    turns = [turn for turn in ledger.turns(weir, secret, 3) if turn["status"] == 200]
    check(turns, "chat-only/gpt-5.2")
    assert [turn["tool_calls"] for turn in turns] == [1, 1, 0]
    assert {ledger.value(turn, "session") for turn in turns} == {report["session_id"]}
    assert {seen["path"] for seen in simulation.requests()} == {"/v1/chat/completions"}


@pytest.mark.parametrize("model,deployment", [
    ("house-claude", "messages-only/claude-opus-4-8"), ("house-coder", "chat-only/gpt-5.2")])
def test_codex_works_on_a_model_of_another_dialect(gateway, tap, laptop, model, deployment):
    weir, simulation = gateway
    simulation.forget()
    secret = weir.key(developer=f"codex-on-{model}")
    run = laptop.codex(tap, secret, "Look around. [sim rounds=2]", model=model)
    assert run.code == 0 and run.out.startswith("After 2 tool results: the task is done."), run
    assert "echo step 0" in run.err and "echo step 1" in run.err, run
    turns = ledger.turns(weir, secret, 3)
    check(turns, deployment)
    assert [turn["tool_calls"] for turn in turns] == [1, 1, 0]
    assert {ledger.value(turn, "repository") for turn in turns} == {REPOSITORY}
    # Nothing of what Codex says about the laptop leaves for another provider.
    assert str(laptop.folder) not in json.dumps([seen["headers"] for seen in simulation.requests()])
