"""Two more ways to run away, on the real binary: a context that grows while hardly a call is new, and a developer who spends far faster
than in the hours that the ledger remembers."""

import json
import sqlite3

import openai
import pytest

from gateway import gateway_with
from test_runaway import ask, conversation

GROWING = "runaway:\n  growing_context: pause\n  growing_turns_min: 6\n  contact: platform@acme.example\n"
BURNING = "runaway:\n  burn_rate: pause\n  burn_factor: 3\n  burn_usd_per_hour_min: 0\n  contact: platform@acme.example\n"


def going_round(rounds, kinds, grows=True):
    """What an agent sends after so many calls of so many kinds, each with a result of its own."""
    messages = [{"role": "user", "content": "Find the bug."}]
    for number in range(rounds):
        messages += [
            {"role": "assistant", "tool_calls": [{"id": f"c{number}", "type": "function", "function": {
                "name": "bash", "arguments": json.dumps({"cmd": f"cat {number % kinds}.py"})}}]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": f"{number} " + "x" * (400 if grows else 1)}]
    return {"model": "gpt-5.4-mini", "max_tokens": 50, "messages": messages}


def test_a_context_that_grows_with_old_calls_pauses_the_session_and_one_with_new_calls_does_not():
    with gateway_with(GROWING) as gateway:
        for rounds in range(1, 16):
            assert ask(gateway, "chat", going_round(rounds, kinds=100), "ses_new_calls")
        taken = 0
        with pytest.raises(openai.APIStatusError) as refused:
            for rounds in range(1, 30):
                ask(gateway, "chat", going_round(rounds, kinds=2), "ses_old_calls")
                taken = rounds
        words = json.dumps(refused.value.body)
        assert refused.value.status_code == 402 and "runaway.growing_context" in words and "hardly a new tool call" in words
        assert "platform@acme.example" in words and "weir session grant ses_old_calls" in words
        # Two new calls may be at most a quarter of them.
        assert 6 <= taken <= 9, taken
        # A person's word begins the count anew, once the session may go on.
        gateway.weir.cli("session", "grant", "ses_old_calls")
        body = going_round(taken + 1, kinds=2)
        body["messages"].append({"role": "user", "content": "Look at the other folder."})
        assert ask(gateway, "chat", body, "ses_old_calls")


def age(ledger, hours):
    """Moves what was spent now back, into as many hours of yesterday, every other one: there may be two hours to move."""
    with sqlite3.connect(ledger) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(usage_hour)")]
        rows = [dict(zip(columns, row)) for row in database.execute("SELECT * FROM usage_hour")]
        database.execute("DELETE FROM usage_hour")
        for row in rows:
            for hour in range(hours):
                aged = dict(row, bucket=row["bucket"] - 86_400 - 2 * 3600 * hour)
                database.execute(f"INSERT INTO usage_hour ({', '.join(aged)}) VALUES ({', '.join('?' * len(aged))})", list(aged.values()))
    database.close()


def test_a_developer_who_spends_far_faster_than_the_ledger_remembers_is_paused_and_left_alone_once_let_go_on():
    with gateway_with(BURNING) as gateway:
        body = conversation("chat", 1)
        # Nothing is known of what is normal yet, so nothing is fast.
        for number in range(14):
            assert ask(gateway, "chat", body, f"ses_normal_{number}")
        assert len(gateway.turns()) == 14
        gateway.weir.stop()
        age(gateway.weir.data / "ledger.db", hours=4)
        gateway.weir.start()
        taken = 0
        with pytest.raises(openai.APIStatusError) as refused:
            for number in range(100):
                ask(gateway, "chat", body, "ses_burning")
                taken = number + 1
        words = json.dumps(refused.value.body)
        assert refused.value.status_code == 402 and "runaway.burn_rate" in words and "times the normal of an active hour" in words, words
        # Fourteen turns an hour are normal; three times that is the even flow of ten turns in the quarter of an hour that counts.
        assert 7 <= taken <= 12, taken
        gateway.weir.cli("session", "grant", "ses_burning", "--reason", "a migration")
        for _ in range(5):
            assert ask(gateway, "chat", body, "ses_burning")
