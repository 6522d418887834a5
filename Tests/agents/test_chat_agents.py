"""mini-swe-agent and aider, on chat completions: they send no session and no repository, so Weir infers the one and is told the other."""

import ledger

HEADERS = {"x-weir-repo": "https://user:s3cret@GitHub.com/acme/shop.git", "x-weir-branch": "feature/checkout"}
REPOSITORY = "github.com/acme/shop"


def test_mini_swe_agent_finishes_a_task_in_one_inferred_session(weir, simulation, tap, laptop):
    secret = weir.key(developer="mini-ana")
    run = laptop.mini(
        tap, secret, "Look around. [sim finish=COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT]",
        headers={**HEADERS, "x-weir-agent": "mini-swe-agent"})
    assert run.code == 0 and "Saved trajectory" in run.out, run
    assert tap.requests == ["POST /v1/chat/completions HTTP/1.1"] * 3
    turns = ledger.turns(weir, secret, 3)
    session = ledger.value(turns[0], "session")
    for turn in turns:
        ledger.check_turn(turn, "openai-python", turn["client_version"], REPOSITORY, "weir_header", session, "inferred")
        assert turn["flags"] == ["session_inferred"] and not turn["stream"]
        assert (ledger.value(turn, "agent"), ledger.value(turn, "branch")) == ("mini-swe-agent", "feature/checkout")
    row = ledger.check_reports(weir, secret, "mini-ana", REPOSITORY, "openai-python", session, turns)
    assert (row["agent"], row["source"]) == ("mini-swe-agent", "inferred")
    ledger.check_nowhere(weir, "s3cret")


def test_two_tasks_of_mini_swe_agent_are_two_sessions(weir, simulation, tap, laptop):
    secret = weir.key("--repository", REPOSITORY, developer="mini-ben")
    for task in ("Mend the login.", "Mend the basket."):
        run = laptop.mini(tap, secret, f"{task} [sim rounds=1 finish=COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT]")
        assert run.code == 0, run
    turns = ledger.turns(weir, secret, 4)
    sessions = [ledger.value(turn, "session") for turn in turns]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3], sessions
    for session in (sessions[0], sessions[2]):
        mine = [turn for turn in turns if ledger.value(turn, "session") == session]
        assert ledger.value(mine[0], "repository") == REPOSITORY
        listed = weir.json("session", "list", "--key", ledger.key_id(secret))["sessions"]
        assert [row["turns"] for row in listed if row["session"] == session] == [2]


def test_aider_writes_a_file_and_commits_it(weir, simulation, tap, laptop):
    secret = weir.key(developer="aider-ana")
    run = laptop.aider(
        tap, secret, "Make a note. [sim write=note.txt]", "--weak-model", "openai/gpt-5-mini", headers=HEADERS)
    assert run.code == 0, run
    assert (laptop.repository / "note.txt").read_text() == "written by the script\n", run
    assert laptop.git("rev-list", "--count", "HEAD") == "2", "aider did not commit"
    assert tap.requests == ["POST /v1/chat/completions HTTP/1.1"] * 2
    turns = ledger.turns(weir, secret, 2)
    # The commit message comes from the cheaper model: a request of its own, opened by other words, so another session.
    assert [turn["model_asked"] for turn in turns] == ["gpt-5.2", "gpt-5-mini"]
    assert [turn["stream"] for turn in turns] == [True, False]
    for turn in turns:
        session = ledger.value(turn, "session")
        ledger.check_turn(turn, "openai-python", turn["client_version"], REPOSITORY, "weir_header", session, "inferred")
    spend = weir.json("report", "spend", "--by", "developer,repository", "--key", ledger.key_id(secret))
    assert [row["labels"] for row in spend["rows"]] == [["aider-ana", REPOSITORY]]
    assert spend["total"]["cost_nano_usd"] == ledger.cost(turns) > 0
    session = ledger.value(turns[0], "session")
    shown = weir.json("session", "show", session)
    assert [turn["request_id"] for turn in shown["turns"]] == [turns[0]["request_id"]]


def test_aider_waits_for_a_provider_that_fails_twice_and_goes_on(weir, simulation, tap, laptop):
    secret = weir.key("--repository", REPOSITORY, developer="aider-ben")
    simulation.arm("status:503", 2)
    run = laptop.aider(tap, secret, "Say hi.", "--no-auto-commits")
    assert run.code == 0 and "task is done" in run.out, run
    turns = ledger.turns(weir, secret, 3)
    assert [turn["status"] for turn in turns] == [503, 503, 200]
    assert [turn["cost_nano_usd"] > 0 for turn in turns] == [False, False, True]
