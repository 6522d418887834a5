"""What each real program makes of a paused session: it is refused once, shows whom to ask, and after `weir session grant` the same session
is taken up again and done. Requests are counted at Weir's door."""

import ledger
import pytest
import weirkit

CONFIGURATION = """runaway:
  many_turns: pause
  session_turns_max: 2
  contact: platform@acme.example
"""
ROUNDS, REST = "Look around. [sim rounds=4]", "Go on. [sim rounds=1]"
# mini-swe-agent's task is done when a command prints this.
DONE = " finish=COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT]"


@pytest.fixture(scope="module")
def watched():
    with weirkit.running(CONFIGURATION) as made:
        yield made


@pytest.fixture
def weir(watched):
    watched[1].forget()
    return watched[0]


def paused(weir, secret):
    """The key's one paused session, as `weir session list --paused` names it."""
    rows = [row for row in weir.json("session", "list", "--paused")["sessions"] if row["key_id"] == ledger.key_id(secret)]
    assert len(rows) == 1, rows
    assert rows[0]["standing"]["rule"] == "many_turns", rows
    return rows[0]["session"]


def check_refused(weir, watched, secret, ended, session):
    """The program said which session is paused, why, and what lets it go on."""
    for words in (f'"{session}" is paused', "it has taken 2 turns (at most 2)", "platform@acme.example", f"weir session grant {session}"):
        assert words in ended.text.replace('\\"', '"'), (words, ended)
    turns = ledger.turns(weir, secret, 3)
    assert [turn["status"] for turn in turns[:2]] == [200, 200], turns
    assert {turn["error"] for turn in turns[2:]} == {"session_paused"}, turns
    assert {ledger.value(turn, "session") for turn in turns} == {session}, turns
    assert len(watched[1].requests()) == 2, "a refused request reached the provider"
    return turns


def grant(weir, session):
    done = weir.cli("session", "grant", session, "--turns", "8", "--by", "ada", "--reason", "it may look around")
    assert "goes on" in done.stderr, done


@pytest.mark.parametrize("program, status, resume", [("codex", 400, ("resume", "--last")), ("claude", 429, ("--continue",))])
def test_an_agent_stops_shows_whom_to_ask_and_takes_its_session_up_again(weir, watched, tap, laptop, program, status, resume):
    secret = weir.key(developer=f"maria-{program}")
    run = getattr(laptop, program)
    ended = run(tap, secret, ROUNDS, seconds=240)
    assert ended.code == 1, ended
    session = paused(weir, secret)
    turns = check_refused(weir, watched, secret, ended, session)
    assert [turn["status"] for turn in turns] == [200, 200, status] and len(tap.posts) == 3, tap.requests
    grant(weir, session)
    ended = run(tap, secret, REST, *resume, seconds=240)
    assert ended.code == 0, ended
    turns = ledger.turns(weir, secret, 5)
    assert [turn["status"] for turn in turns[:3]] == [200, 200, status] and {turn["status"] for turn in turns[3:]} == {200}, turns
    assert {ledger.value(turn, "session") for turn in turns} == {session}, turns


def test_mini_swe_agent_stops_shows_whom_to_ask_and_its_session_goes_on(weir, watched, tap, laptop):
    secret = weir.key(developer="maria-mini")
    headers = {"x-weir-session": "ses_mini"}
    # It repeats what has no name in its library, ten times in five minutes by default.
    ended = laptop.mini(tap, secret, ROUNDS[:-1] + DONE, headers, attempts=2, seconds=240)
    assert ended.code == 1, ended
    turns = check_refused(weir, watched, secret, ended, paused(weir, secret))
    assert [turn["status"] for turn in turns] == [200, 200, 402, 402] and len(tap.posts) == 4, tap.requests
    grant(weir, "ses_mini")
    ended = laptop.mini(tap, secret, REST[:-1] + DONE, headers, seconds=240)
    assert ended.code == 0, ended
    turns = ledger.turns(weir, secret, 6)
    assert {turn["status"] for turn in turns[4:]} == {200} and {ledger.value(turn, "session") for turn in turns} == {"ses_mini"}, turns


def test_aider_shows_whom_to_ask_and_its_session_goes_on(weir, watched, tap, laptop):
    secret = weir.key(developer="maria-aider")
    headers = {"x-weir-session": "ses_aider"}
    for _ in range(2):
        assert laptop.aider(tap, secret, "Say hi.", headers=headers, seconds=240).code == 0
    # It repeats every 402 for a minute.
    ended = laptop.aider(tap, secret, "Say hi.", headers=headers, seconds=240, until="weir session grant ses_aider")
    check_refused(weir, watched, secret, ended, paused(weir, secret))
    assert 3 <= len(tap.posts) <= 6, tap.requests
    grant(weir, "ses_aider")
    assert laptop.aider(tap, secret, "Say hi.", headers=headers, seconds=240).code == 0
    assert ledger.turns(weir, secret, 4)[-1]["status"] == 200
