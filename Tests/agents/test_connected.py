"""One command and no more: each real agent on a fresh laptop, connected by `weir connect`, at work in a repository. Nothing is set in
its environment, and the ledger says who, in which repository, on which branch, in which session, and by which sub-agent."""

import json

import ledger
import pytest
import weirkit
from laptop import BRANCH, REPOSITORY, claude_program, codex_program, script



@pytest.fixture(scope="module")
def gateway():
    """A server of its own, so that its report of what is unattributed is about connected agents alone."""
    with weirkit.running() as (weir, simulation):
        yield weir, simulation


ALLOWED = ["--output-format", "json", "--allowedTools", "Bash Read Glob Grep Task Agent"]


def codex(laptop, prompt):
    """Its report is its own session id."""
    run = laptop.run([codex_program(), "exec", "--sandbox", "danger-full-access", prompt])
    assert run.code == 0 and "task is done" in run.out, run
    return run.err.split("session id: ")[1].split()[0]


def claude(laptop, prompt):
    run = laptop.run([claude_program(), "-p", prompt, *ALLOWED])
    assert run.code == 0 and "task is done" in json.loads(run.out)["result"], run
    return json.loads(run.out)["session_id"]


def aider(laptop, prompt):
    """Started by the shim: it has no hook to say a branch by."""
    run = laptop.run(
        [laptop.credential, script("aider", ".venv-agents-aider"), "--message", prompt, "--yes-always", "--no-fancy-input", "--no-pretty"],
        seconds=90)
    assert run.code == 0 and (laptop.repository / "note.txt").exists(), run


def mini(laptop, prompt):
    run = laptop.run([laptop.credential, script("mini"), "--yolo", "--exit-immediately", "--task", prompt], seconds=90)
    assert run.code == 0 and "Saved trajectory" in run.out, run


# What is connected, with which model; how it is run and what it is told; what the ledger calls it; where its repository comes from.
AGENTS = {
    "codex": ("gpt-5.3-codex", codex, "Look around. [sim rounds=2]", "codex", "agent"),
    "claude-code": ("claude-sonnet-4-5", claude, "Look around. [sim rounds=2]", "claude-code", "credential"),
    "aider": ("gpt-5.2", aider, "Make a note. [sim write=note.txt]", "openai-python", "weir_header"),
    "mini-swe-agent": (
        "gpt-5.2", mini, "Look around. [sim finish=COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT]", "openai-python", "credential"),
}


@pytest.mark.parametrize("name", AGENTS)
def test_one_command_connects_it_and_every_call_is_attributed(weir, simulation, tap, laptop, name):
    model, work, prompt, client, source = AGENTS[name]
    secret = weir.key(developer=f"connected-{name}")
    laptop.connect(name, tap, secret, "--model", model)
    session = work(laptop, prompt)
    turns = ledger.turns(weir, secret, len(tap.posts))
    assert len(turns) == len(tap.posts) >= 2
    # An agent that knows no sessions has the one that the shim began with it.
    known = "agent" if session else "credential"
    session = session or ledger.value(turns[0], "session")
    for turn in turns:
        ledger.check_turn(turn, client, turn["client_version"], REPOSITORY, source, session, known)
        assert turn["developer"] == f"connected-{name}"
        assert turn["branch"] == {"value": BRANCH, "source": "credential"}
    assert ledger.value(turns[0], "commit") == laptop.commit
    ledger.check_attributed(weir, secret, f"connected-{name}", REPOSITORY, turns)
    ledger.check_nothing_is_missing(weir)
    ledger.check_nowhere(weir, "s3cret")
    for seen in simulation.requests():
        assert secret not in json.dumps(seen) and "cmVwbz" not in json.dumps(seen), "the key or its labels reached the provider"


@pytest.mark.parametrize(("name", "task"), [
    ("codex", "Share the work. [sim tool=spawn_agent,wait_agent rounds=2]"),
    ("claude-code", "Share the work. [sim tool=Agent,Bash rounds=2]"),
])
def test_its_sub_agents_count_for_its_session(weir, simulation, tap, laptop, name, task):
    model, work, _, client, source = AGENTS[name]
    developer = f"shared-{name}"
    secret = weir.key(developer=developer)
    laptop.connect(name, tap, secret, "--model", model)
    root = work(laptop, task)
    turns = ledger.turns(weir, secret, len(tap.posts))
    children = [turn for turn in turns if turn.get("sub_agent")]
    assert len(children) >= 2 and len(turns) - len(children) >= 3, turns
    for turn in turns:
        ledger.check_turn(turn, client, turn["client_version"], REPOSITORY, source, root)
        assert turn["branch"] == {"value": BRANCH, "source": "credential"}
    # `weir session show ROOT` has all of them, and their sum.
    row = ledger.check_reports(weir, secret, developer, REPOSITORY, client, root, turns)
    assert row["sub_agents"] == [ledger.value(children[0], "sub_agent")]
    assert ledger.cost(children) > 0 and row["cost_nano_usd"] == ledger.cost(turns)
    ledger.check_attributed(weir, secret, developer, REPOSITORY, turns)
    ledger.check_nothing_is_missing(weir)


def test_another_branch_is_seen_at_the_next_start(weir, simulation, tap, laptop):
    secret = weir.key(developer="connected-branches")
    laptop.connect("claude-code", tap, secret, "--model", "claude-sonnet-4-5")
    claude(laptop, "Say hi. [sim rounds=0]")
    laptop.git("checkout", "--quiet", "-b", "fix/login")
    claude(laptop, "Say hi. [sim rounds=0]")
    assert [ledger.value(turn, "branch") for turn in ledger.turns(weir, secret, 2)] == [BRANCH, "fix/login"]


def test_codex_can_read_the_gateways_list_of_models(weir, simulation, tap, laptop):
    secret = weir.key(developer="connected-models")
    laptop.connect("codex", tap, secret, "--model", "gpt-5.5")
    run = laptop.run([codex_program(), "exec", "--sandbox", "danger-full-access", "Say hi. [sim rounds=0]"], {"RUST_LOG": "warn"})
    assert run.code == 0 and "task is done" in run.out, run
    assert any(line.startswith("GET /v1/models?client_version=") for line in tap.requests), tap.requests
    assert "refresh available models" not in run.text and "Model metadata" not in run.text, run
    assert (laptop.home / ".codex/models_cache.json").exists()
