"""Agents that run away, on the real binary: the same call over and over pauses the session, each SDK stops after one request and is told
whom to ask and what to run; a start and a kill change nothing; a grant lets it go on; and what is slowed down comes slowly."""

import json
import re
import shlex
import subprocess
import time

import anthropic
import openai
import pytest

import weirkit
from gateway import gateway_with
from raw import post
from test_alerts import Receiver

CONFIGURATION = """runaway:
  repeated_calls: pause
  repetitions_max: 4
  many_turns: pause
  session_turns_max: 6
  high_cost: alert
  session_usd_max: 1
  contact: platform@acme.example
"""
ALERTS = """alerts:
  - {name: ops, kind: webhook, url: "{hook}", secret: "${ALERT_SECRET}"}
"""
DIALECTS = ("chat", "messages", "responses")


def conversation(dialect, rounds, arguments="ls", result="nothing here"):
    """What an agent sends after so many rounds of the same tool call, each with ids of its own."""
    call = json.dumps({"cmd": arguments})
    if dialect == "responses":
        items = [{"role": "user", "content": "Find the bug."}]
        for number in range(rounds):
            items += [{"type": "function_call", "call_id": f"c{number}", "name": "shell", "arguments": call},
                      {"type": "function_call_output", "call_id": f"c{number}", "output": result}]
        return {"model": "gpt-5.4-mini", "input": items, "max_output_tokens": 50}
    messages = [{"role": "user", "content": "Find the bug."}]
    for number in range(rounds):
        if dialect == "messages":
            messages += [
                {"role": "assistant", "content": [{"type": "tool_use", "id": f"c{number}", "name": "Bash", "input": {"cmd": arguments}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"c{number}", "content": result}]}]
        else:
            messages += [
                {"role": "assistant", "tool_calls": [
                    {"id": f"c{number}", "type": "function", "function": {"name": "bash", "arguments": call}}]},
                {"role": "tool", "tool_call_id": f"c{number}", "content": result}]
    if dialect == "messages":
        return {"model": "claude-opus-5-5", "max_tokens": 50, "messages": messages}
    return {"model": "gpt-5.4-mini", "max_tokens": 50, "messages": messages}


def ask(gateway, dialect, body, session, key=None):
    """One turn through the dialect's SDK, with its own retries."""
    headers = {"x-weir-session": session}
    if dialect == "messages":
        return gateway.anthropic(key, headers).messages.create(**body)
    client = gateway.openai(key, headers)
    return client.responses.create(**body) if dialect == "responses" else client.chat.completions.create(**body)


def pause(gateway, dialect, session):
    """Repeats one call until the session is paused; gives after how many rounds, and the error."""
    for rounds in range(1, 20):
        try:
            ask(gateway, dialect, conversation(dialect, rounds), session)
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            return rounds, error
    raise AssertionError("it was never paused")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_call_over_and_over_pauses_the_session_and_the_sdk_stops_after_one_request(gateway, dialect):
    session = f"ses_{dialect}"
    before = gateway.counters()
    served = len(gateway.simulation.served())
    rounds, error = pause(gateway, dialect, session)
    after = gateway.counters()
    # Four may come in a row; the fifth is asked once and not again.
    assert rounds == 5 and after["refusals"] == before["refusals"] + 1 and after["requests"] == before["requests"] + 5
    assert len(gateway.simulation.served()) == served + 4
    assert error.status_code == (429 if dialect == "messages" else 402)
    assert error.response.headers["x-should-retry"] == "false" and "retry-after" not in error.response.headers
    words = json.dumps(error.body)
    assert f"weir session grant {session}" in words and "platform@acme.example" in words and "runaway.repeated_calls" in words
    assert "5 times in a row (at most 4)" in words and len(words) < 600
    turn = gateway.last_turn()
    assert turn["error"] == "session_paused" and turn["session"]["value"] == session and turn["cost_nano_usd"] == 0


def test_codex_gets_the_refusal_that_it_shows_and_does_not_repeat(gateway):
    for rounds in range(1, 6):
        answer = post(gateway.weir.url, "responses", gateway.key, conversation("responses", rounds), x_weir_session="ses_codex",
                      originator="codex_cli_rs", user_agent="codex_cli_rs/0.163.0")
    # Of a 429 it shows only that some limit is reached; a 400 it shows as it is.
    assert answer.status == 400
    assert "weir session grant ses_codex" in json.loads(answer.body)["error"]["message"]


def test_a_grant_lets_the_session_go_on_after_a_kill_in_between(gateway):
    assert pause(gateway, "chat", "ses_kill")[0] == 5
    gateway.weir.kill()
    gateway.weir.start()
    body = conversation("chat", 6, arguments="something else")
    with pytest.raises(openai.APIStatusError) as refused:
        ask(gateway, "chat", body, "ses_kill")
    assert "runaway.repeated_calls" in json.dumps(refused.value.body)
    paused = gateway.weir.json("session", "list", "--paused")["sessions"]
    assert "ses_kill" in [one["session"] for one in paused]
    shown = gateway.weir.cli("session", "show", "ses_kill").stdout
    assert "paused" in shown and "5 times in a row" in shown and "weir session grant ses_kill" in shown
    done = gateway.weir.cli("session", "grant", "ses_kill", "--turns", "3", "--by", "ada", "--reason", "it waits for the build")
    assert "goes on" in done.stderr
    gateway.weir.kill()
    gateway.weir.start()
    # The four turns that it had, and three more.
    for number in range(3):
        ask(gateway, "chat", conversation("chat", 6 + number, arguments=f"else {number}"), "ses_kill")
    with pytest.raises(openai.APIStatusError) as refused:
        ask(gateway, "chat", conversation("chat", 9, arguments="else"), "ses_kill")
    assert "runaway.many_turns" in json.dumps(refused.value.body) and "7 turns (at most 7)" in json.dumps(refused.value.body)


def test_the_command_that_is_shown_can_be_pasted_whatever_a_client_called_its_session(gateway):
    session = "it's; echo $(id)"
    pause(gateway, "chat", session)
    shown = gateway.weir.cli("session", "show", session).stdout
    command = re.search(r"; (weir session grant .*)", shown).group(1)
    assert shlex.split(command) == ["weir", "session", "grant", session]


def test_the_pause_and_the_grant_are_in_the_journal_with_who_and_why(gateway):
    pause(gateway, "chat", "ses_audit")
    gateway.weir.cli("session", "grant", "ses_audit", "--usd", "2", "--by", "ada", "--reason", "release")
    changes = [one for one in records(gateway) if one["kind"] == "entity.changed" and one["id"].endswith("/ses_audit")]
    assert [one["after"]["state"] for one in changes] == ["paused", "granted"]
    assert changes[0]["entity"] == "session" and changes[0]["after"]["rule"] == "repeated_calls"
    assert changes[1]["before"]["state"] == "paused"
    assert (changes[1]["after"]["by"], changes[1]["after"]["reason"]) == ("ada", "release")
    assert changes[1]["after"]["cost_nano_usd_max"] >= 2_000_000_000


def records(gateway):
    """Every record of the journal, each a JSON document between lengths and checksums."""
    decoder = json.JSONDecoder()
    for file in sorted((gateway.weir.data / "journal").glob("*/*.log")):
        text = file.read_bytes().decode("latin-1")
        for found in re.finditer(r'\{"v":1,"kind"', text):
            yield decoder.raw_decode(text, found.start())[0]


def test_a_session_belongs_to_its_key(gateway):
    other = gateway.weir.key(developer="jon")
    pause(gateway, "chat", "ses_shared")
    assert ask(gateway, "chat", conversation("chat", 1), "ses_shared", key=other)
    key_id = gateway.key.split("_")[2]
    done = gateway.weir.cli("session", "grant", "ses_shared", "--key", "nobody", check=False)
    assert done.returncode == 1 and "nobody watches it" in done.stderr
    gateway.weir.cli("session", "grant", "ses_shared", "--key", key_id)
    assert ask(gateway, "chat", conversation("chat", 1), "ses_shared")


def test_each_pause_is_told_once():
    hook = Receiver()
    with gateway_with(CONFIGURATION + ALERTS.replace("{hook}", hook.url), environment={"ALERT_SECRET": "s"}) as gateway:
        pause(gateway, "chat", "ses_told")
        for _ in range(5):
            assert post(gateway.weir.url, "chat", gateway.key, conversation("chat", 5), x_weir_session="ses_told").status == 402
        weirkit.wait_until(lambda: hook.posts, 30, "the alert")
        found = [alert for _, body in hook.posts for alert in json.loads(body)["alerts"]]
    hook.shutdown()
    assert [(one["kind"], one["subject"]) for one in found] == [("runaway", "ses_told")]
    assert "weir session grant ses_told" in found[0]["text"] and "runaway.repeated_calls" in found[0]["text"] and "owner" in found[0]["text"]


def test_work_that_changes_is_left_alone(gateway):
    for rounds in range(1, 6):
        assert ask(gateway, "chat", conversation("chat", rounds, result=f"{rounds} tests failed"), "ses_work")


def test_a_throttled_session_comes_slowly_and_others_do_not():
    settings = "runaway:\n  repeated_calls: throttle\n  repetitions_max: 2\n  throttle_seconds: 2\n"
    with gateway_with(settings) as gateway:
        started = time.monotonic()
        for rounds in range(1, 4):
            ask(gateway, "chat", conversation("chat", rounds), "ses_slow")
        # The third is the first to be too many, and passes; the next ones wait their time.
        slow = []
        for rounds in range(4, 6):
            began = time.monotonic()
            ask(gateway, "chat", conversation("chat", rounds), "ses_slow")
            slow.append(time.monotonic() - began)
        assert time.monotonic() - started >= 3.9 and gateway.counters()["refusals"] == 0
        began = gateway.turns()
        assert ask(gateway, "chat", conversation("chat", 5), "ses_other") and len(began) == 5
        assert re.search(r"let go on|goes on", gateway.weir.cli("session", "grant", "ses_slow").stderr)


def test_the_configuration_is_taken_over_while_the_server_runs_and_knows_what_was_before():
    with gateway_with() as gateway:
        for rounds in range(1, 8):
            assert ask(gateway, "chat", conversation("chat", rounds), "ses_before")
        text = gateway.weir.config_path.read_text()
        gateway.weir.config_path.write_text(text + "runaway:\n  many_turns: pause\n  session_turns_max: 7\n")
        weirkit.wait_until(
            lambda: post(gateway.weir.url, "chat", gateway.key, conversation("chat", 8), x_weir_session="ses_before").status == 402,
            30, "the new configuration")
        assert ask(gateway, "chat", conversation("chat", 8), "ses_after")


def test_a_wrong_action_is_a_fault_with_its_place(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text("runaway:\n  repeated_calls: stop\n")
    done = subprocess.run([weirkit.binary(), "config", "check", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "weir.yaml:2" in done.stdout + done.stderr and "off or alert or throttle or pause" in done.stdout + done.stderr
