"""What each real program makes of a limit: at a spent budget it ends and shows why; at a rate, and at a number of turns at once, it waits
and goes on. Requests are counted at Weir's door."""

import contextlib
import http.client
import json
import socket
import threading

import ledger
import pytest
import weirkit

MODELS = {"codex": "gpt-5.5", "claude": "claude-sonnet-4-5", "mini": "gpt-5.2", "aider": "gpt-5.2"}
PROGRAMS = list(MODELS)
LIMITS = """budgets:
""" + "".join(f"""  - {{name: spent-{name}, usd: "0.000001", window: month, for: {{developer: broke-{name}}}, contact: finance@acme.example}}
""" for name in PROGRAMS) + "usage_limits:\n" + "".join(
    f"""  - {{name: pace-{name}, limit: 12, burst: 1, unit: requests, window: per minute, for: {{developer: paced-{name}}}}}
  - {{name: one-{name}, limit: 1, unit: concurrent, for: {{developer: busy-{name}}}}}
  - {{name: turns-{name}, limit: 1, unit: requests, window: none, group_by: [session], for: {{developer: capped-{name}}}, on_exceed: ask}}
""" for name in PROGRAMS)
PROMPTS = {
    "codex": "Look around. [sim rounds=1]", "claude": "Look around. [sim rounds=1]",
    "mini": "Look around. [sim rounds=1 finish=COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT]", "aider": "Say hi."}
# How a program ends at a limit that no waiting mends: its exit code, its requests, the status, and what bounds a wait of minutes.
SPENT = {
    "codex": (1, 1, 429, {}),
    "claude": (1, 1, 429, {}),
    # litellm has no name for a 402 and mini-swe-agent repeats what has none: ten attempts in five minutes by default.
    "mini": (1, 2, 402, {"attempts": 2}),
}


@pytest.fixture(scope="module")
def limited():
    with weirkit.running(LIMITS) as made:
        yield made


@pytest.fixture
def weir(limited):
    return limited[0]


def run(laptop, tap, program, secret, **options):
    return getattr(laptop, program)(tap, secret, PROMPTS[program], model=MODELS[program], seconds=360, **options)


def statuses(weir, secret, count):
    return [turn["status"] for turn in ledger.turns(weir, secret, count)]


@pytest.mark.parametrize("program", SPENT)
def test_a_spent_budget_ends_it_and_is_shown(weir, limited, tap, laptop, program):
    code, requests, status, bounds = SPENT[program]
    limited[1].forget()
    secret = weir.key(developer=f"broke-{program}")
    ended = run(laptop, tap, program, secret, **bounds)
    tap.close()
    assert ended.code == code, ended
    # Codex says a spent limit in its own words.
    assert ("usage limit" if program == "codex" else f"spent-{program}") in ended.text, ended
    assert len(tap.posts) == requests, tap.requests
    assert statuses(weir, secret, requests) == [status] * requests
    assert limited[1].requests() == [], "a refused request reached the provider"


def test_aider_shows_why_it_waits_at_a_spent_budget(weir, tap, laptop):
    # It repeats every 402 for a minute; nobody can keep it from that but with a status that says something else.
    secret = weir.key(developer="broke-aider")
    ended = laptop.aider(tap, secret, PROMPTS["aider"], model=MODELS["aider"], seconds=240, until="spent-aider")
    assert "finance@acme.example" in ended.text, ended
    assert 1 <= len(tap.posts) <= 4, tap.requests


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_rate_is_waited_for_and_the_task_is_done(weir, tap, laptop, program):
    secret = weir.key(developer=f"paced-{program}")
    # Somebody else of the same key takes the one turn that is free when the program's first call arrives; the next is free in five seconds.
    rivals = []
    tap.before_first_post = lambda: rivals.append(ask_once(weir, secret, **{"x-weir-tag-case": "rival"}))
    ended = run(laptop, tap, program, secret)
    assert ended.code == 0, ended
    assert rivals == [200], rivals
    tap.close()
    seen = [turn["status"] for turn in ledger.turns(weir, secret, len(tap.posts) + 1) if not is_rivals(turn)]
    assert seen[0] == 429 and seen[-1] == 200 and set(seen) == {200, 429}, seen
    assert len(seen) == len(tap.posts), (seen, tap.requests)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_place_among_turns_at_once_is_waited_for(weir, tap, laptop, program):
    secret = weir.key(developer=f"busy-{program}")
    with held_stream(weir, secret) as sock:
        # The place comes free once the program has been refused.
        def let_go():
            weirkit.wait_until(
                lambda: any(turn["status"] == 429 for turn in weir.turns() if turn["key_id"] == ledger.key_id(secret)), 240, "a refusal")
            sock.shutdown(socket.SHUT_RDWR)

        watcher = threading.Thread(target=let_go, daemon=True)
        watcher.start()
        ended = run(laptop, tap, program, secret)
        watcher.join(250)
    assert not watcher.is_alive() and ended.code == 0, ended
    tap.close()
    seen = statuses(weir, secret, len(tap.posts) + 1)
    assert 429 in seen and seen[-1] == 200, seen


@pytest.mark.parametrize("program", ["codex", "claude"])
def test_a_session_that_may_go_on_no_more_ends_it(weir, tap, laptop, program):
    secret = weir.key(developer=f"capped-{program}")
    ended = run(laptop, tap, program, secret)
    tap.close()
    assert ended.code == 1, ended
    turns = ledger.turns(weir, secret, 2)
    # Codex shows the words of a 400, and of a 429 only until when to wait.
    assert [turn["status"] for turn in turns] == [200, 400 if program == "codex" else 429], turns
    assert "weir session grant" in ended.text or f"turns-{program}" in ended.text, ended
    assert len(tap.posts) == 2, tap.requests


def is_rivals(turn):
    return turn["tags"].get("case") == "rival"


def ask_once(weir, secret, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps({
        "model": "gpt-5.2", "max_tokens": 50, "messages": [{"role": "user", "content": "Before."}]}), {
            "content-type": "application/json", "authorization": f"Bearer {secret}", **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@contextlib.contextmanager
def held_stream(weir, secret):
    """A stream that has begun and does not end by itself for minutes."""
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps({
        "model": "gpt-5.2", "max_tokens": 4000, "stream": True, "messages": [{"role": "user", "content": "Long."}]}), {
            "content-type": "application/json", "authorization": f"Bearer {secret}", "x-sim-pace-ms": "500", "x-sim-chunks": "500"})
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read1(1)
    try:
        yield connection.sock or answer.fp.raw._sock
    finally:
        connection.close()
