"""Numbers that nobody means, from clients, providers and administrators: none ends the process, and none becomes a bill."""

import json
import signal

import pytest

import weirkit
from gateway import gateway_with
from scripted import WHOLE, Held, KeptClient, ScriptedProvider, answer

HUGE = 2**63 - 1
MILLION_DOLLARS = 10**15


def old_date(connection):
    connection.sendall(answer(b"{}", "503 Service Unavailable", "Retry-After: Fri, 01 Jan 1700 00:00:00 GMT\r\n"))
    return True


def wordy(connection):
    """A model's name, an id and a reason of 70 KB each."""
    document = json.loads(WHOLE)
    document["model"] = document["id"] = document["choices"][0]["finish_reason"] = "x" * 70_000
    connection.sendall(answer(json.dumps(document).encode(), fields=f"x-request-id: {'i' * 30_000}\r\n"))
    return True


def liar(connection):
    document = json.loads(WHOLE)
    document["usage"] = {"prompt_tokens": HUGE, "completion_tokens": HUGE, "total_tokens": HUGE}
    connection.sendall(answer(json.dumps(document).encode()))
    return True


def whole(connection):
    connection.sendall(answer())
    return True


@pytest.fixture
def held():
    return Held(answer())


@pytest.fixture
def provider(held):
    made = ScriptedProvider({"held": held, "old_date": old_date, "wordy": wordy, "liar": liar, "whole": whole})
    yield made
    made.close()


BUDGETS = """
budgets:
  - {name: watch, usd: "100", window: month, mode: alert}
  - {name: whole, usd: "100", window: none, mode: alert}
usage_limits:
  - {name: tokens, unit: total_tokens, limit: 1000, window: day, mode: alert}
routes:
  - {model: routed, deployments: [scripted/old_date, scripted/whole]}
"""


@pytest.fixture
def gateway(provider):
    providers, prices = provider.configuration()
    with gateway_with(providers=providers, extra=prices + BUDGETS) as made:
        yield made


def asking(gateway, model, count, **more):
    """Requests at once, which have reached their provider when this returns."""
    clients = [KeptClient(gateway) for _ in range(count)]
    for client in clients:
        client.send(model, case=model, **more)
    return clients


def reached(provider, count, model):
    weirkit.wait_until(lambda: provider.asked.count(model) >= count, what="the provider to have them")


def test_a_huge_output_beside_rules_that_only_watch(gateway, provider, held):
    clients = asking(gateway, "held", 12, max_tokens=HUGE)
    reached(provider, 12, "held")
    held.may_answer.set()
    for client in clients:
        assert client.read().status == 200
    turns = weirkit.wait_until(lambda: (found := gateway.tagged("held")) and len(found) == 12 and found, what="the turns")
    assert {turn["cost_nano_usd"] for turn in turns} == {5 * 10_000 + 2 * 50_000}
    for rule in ("/budgets/watch", "/budgets/whole", "/limits/tokens"):
        counters = gateway.read(rule)["counters"]
        assert [(counter["reserved"], counter["used"] > 0) for counter in counters] == [(0, True)], counters


def test_a_crash_with_huge_outputs_bills_what_a_model_can_write(gateway, provider):
    clients = asking(gateway, "held", 3, max_tokens=HUGE)
    reached(provider, 3, "held")
    gateway.weir.process.kill(signal.SIGKILL)
    del clients
    gateway.weir.start()
    turns = weirkit.wait_until(lambda: (found := gateway.tagged("held")) and len(found) == 3 and found, what="the turns")
    # A million tokens at 50 dollars a million, and the body.
    assert all(50 * 10**9 <= turn["cost_nano_usd"] < 51 * 10**9 and "estimated" in turn["flags"] for turn in turns), turns
    spent = gateway.read("/reports/spend", by="model")
    assert spent["total"]["cost_nano_usd"] == sum(turn["cost_nano_usd"] for turn in turns)


def test_a_usage_that_nobody_used_is_held_at_a_billion_tokens(gateway):
    for number in range(3):
        assert KeptClient(gateway).ask("liar", case=f"liar-{number}").status == 200
    spent = gateway.read("/reports/spend", by="session")
    assert spent["total"]["cost_nano_usd"] == 3 * (10**9 * 10_000 + 10**9 * 50_000) < 3 * MILLION_DOLLARS
    assert gateway.read("/sessions")["sessions"][0]["cost_nano_usd"] == spent["total"]["cost_nano_usd"]
    assert gateway.weir.cli("budget", "list").stdout


def test_a_date_of_long_ago_is_no_wait(gateway):
    assert KeptClient(gateway).ask("routed").status == 200


def test_a_wordy_answer_is_settled(gateway):
    assert KeptClient(gateway).ask("wordy", case="wordy").status == 200
    turn = weirkit.wait_until(lambda: gateway.tagged("wordy"), what="the turn")[0]
    assert turn["cost_nano_usd"] == 5 * 10_000 + 2 * 50_000 and turn["model_served"] == "x" * 256
    counts = json.loads(gateway.weir.cli("journal", "inspect", "--count").stdout)
    assert counts["turn.reserved"] == counts["turn.settled"], counts


def test_a_question_about_a_turn_of_any_size(gateway):
    key = gateway.read("/keys")["data"][0]["key_id"]
    status, document = gateway.admin("POST", "/limits/explain", {"key": key, "model": "whole", "bytes": HUGE, "max_output_tokens": HUGE})
    assert status == 200 and document["reserves_nano_usd"] == MILLION_DOLLARS, document


def test_grants_that_add_up_to_more_than_there_is(gateway):
    for _ in range(6):
        status, document = gateway.admin("POST", "/budgets/whole/grant", {"group": [], "amount": HUGE // 4, "by": "root"})
        assert status == 201, document
    assert gateway.read("/budgets/whole")["counters"][0]["granted"] == HUGE // 4 if gateway.read("/budgets/whole")["counters"] else True
    gateway.weir.stop()
    gateway.weir.start()
    assert KeptClient(gateway).ask("whole").status == 200


@pytest.mark.parametrize("price", ["3000000000", "10001"])
def test_a_price_in_the_wrong_unit_is_refused(gateway, tmp_path, price):
    file = tmp_path / "weir.yaml"
    file.write_text(f"prices:\n  - {{provider: openai, model: m, input: {price}}}\n")
    done = gateway.weir.cli("config", "check", file, check=False)
    assert done.returncode == 1 and "over 10,000 USD" in done.stdout + done.stderr
    status, document = gateway.admin("POST", "/prices", {"source": "x", "rows": [
        {"provider": "openai", "model": "m", "meter": "input", "price": int(price) * 10**9, "source": "x"}]})
    assert status == 400, document
