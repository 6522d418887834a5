"""Hedging: a second deployment beside one that is slow to begin; one answer, both tries in the ledger with their cost, budgets kept."""

import socket
import time

import pytest

import weirkit
from rawhttp import request
from rawprovider import OK, Provider, answer_ok, chunked
from routekit import END, PRICES, SSE, USAGE, event, failing, provider_lines
from wiregateway import gateway

HEDGED = {
    "poor": "first/p, second/p", "strict": "first/s, second/s", "tight": "first/t, second/t", "waiting": "first/m, silent/m",
    "failed": "first/m, gone/m",
}
ROUTES = "\nevent_loops: 1\nroutes:\n" + "".join(
    f"  - {{model: {model}, affinity: none, hedge: {{after_milliseconds: 300}}, deployments: [{deployments}]}}\n"
    for model, deployments in HEDGED.items()) + """\
  - model: hedged
    affinity: none
    retries_max: 0
    hedge: {after_milliseconds: 300}
    breaker: {failures_max: 1000, turns_min: 100000}
    deployments: [first/m, second/m]
  - model: measured
    affinity: none
    hedge: p95
    deployments: [first/q, second/q]
  - model: plain
    affinity: none
    deployments: [first/m, second/m]
  - model: nowhere
    affinity: none
    deployments: [gone/m]
budgets:
  - {name: nothing, usd: "0.000001", window: month, zone: UTC, for: {deployment: second/p}, mode: elastic}
  - {name: all, usd: "1000", window: month, zone: UTC, mode: elastic}
  - {name: dear, usd: "1000", window: month, for: {model: s}}
  - {name: first-money, usd: "1000", window: month, for: {deployment: first/m}, mode: alert}
usage_limits:
  - {name: size, limit: 1000000, unit: total_tokens, window: month, for: {deployment: second/t}}
  - {name: turns, limit: 1000000, unit: requests, window: month}
  - {name: tokens, limit: 1000000000, unit: total_tokens, window: month, mode: alert}
  - {name: tokens-of-days, limit: 1000000000, unit: total_tokens, window: rolling 48h, mode: alert}
  - {name: first-turns, limit: 1000000, unit: requests, window: month, for: {deployment: first/m}, mode: alert}
  - {name: first-tokens, limit: 1000000000, unit: total_tokens, window: month, for: {deployment: first/m}, mode: alert}
  - {name: first-tokens-of-days, limit: 1000000000, unit: total_tokens, window: rolling 48h, for: {provider: first}, mode: alert}
"""


def after(seconds, answer=answer_ok):
    def late(received, connection):
        time.sleep(seconds)
        return answer(received, connection)
    return late


class Pair:
    def __init__(self, running, first, second):
        self.running, self.first, self.second = running, first, second

    def ask(self, model="hedged", stream=False):
        body = b'{"model":"%s","stream":%s,"max_tokens":10,"messages":[{"role":"user","content":"hi"}]}' % (
            model.encode(), b"true" if stream else b"false")
        return self.running.call(body)

    def turn(self, response):
        return self.running.turn(response["x-weir-request-id"])


@pytest.fixture(scope="module")
def pair():
    first, second = Provider(), Provider()
    # Nothing listens at the third, and the fourth never says a word of TLS.
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    lines = provider_lines("first", first.port) + provider_lines("second", second.port) + provider_lines("gone", 1)
    lines += provider_lines("silent", silent.getsockname()[1]).replace("http://", "https://")
    prices = "".join(f'  - {{provider: {name}, model: "*", input: "1", output: "1"}}\n' for name in ("gone", "silent"))
    with silent, gateway(lines + PRICES + prices + ROUTES) as running:
        yield Pair(running, first, second)
    first.close()
    second.close()


@pytest.fixture(autouse=True)
def fresh(pair):
    for one in (pair.first, pair.second):
        one.forget()
        one.answer = answer_ok


def held(pair):
    counters = pair.running.weir.json("budget", "show", "all")["counters"]
    return sum(one["used"] for one in counters), sum(one["reserved"] for one in counters)


def counted(pair, limit="turns"):
    """What a limit has counted, and what is reserved of it."""
    counter, = pair.running.weir.json("limit", "show", limit)["counters"]
    return counter["used"], counter["reserved"]


def test_a_quick_deployment_is_asked_alone(pair):
    response = pair.ask()
    assert response["x-weir-deployment"] == "first/m" and len(pair.second.requests) == 0
    assert len(pair.turn(response)["tries"]) == 1


def test_the_second_answers_where_the_first_is_slow_and_both_are_in_the_ledger(pair):
    used, _ = held(pair)
    pair.first.answer = after(8)
    response = pair.ask()
    assert response.status == 200 and response.body == OK and response["x-weir-deployment"] == "second/m"
    turn = pair.turn(response)
    assert [(one["deployment"], one["status"], one.get("error")) for one in turn["tries"]] == [
        ("first/m", 0, "hedge_lost"), ("second/m", 200, None)]
    lost, served = (one["cost_nano_usd"] for one in turn["tries"])
    # The loser's input, estimated, at its own price; the winner's usage at its own.
    assert lost > 0 and served == 2 * 1000 and turn["cost_nano_usd"] == lost + served
    assert "estimated" in turn["flags"] and turn["usage_source"] == "provider" and turn["usage"]["input"] == 1
    assert held(pair) == (used + turn["cost_nano_usd"], 0)


def test_the_first_answers_where_it_is_quicker_in_the_end(pair):
    used, _ = held(pair)
    pair.first.answer, pair.second.answer = after(1), after(8)
    response = pair.ask()
    assert response.body == OK and response["x-weir-deployment"] == "first/m"
    assert len(pair.second.requests) == 1
    turn = pair.turn(response)
    assert [(one["deployment"], one.get("error")) for one in turn["tries"]] == [("second/m", "hedge_lost"), ("first/m", None)]
    assert held(pair) == (used + turn["cost_nano_usd"], 0)


def test_a_stream_is_hedged_before_its_first_byte(pair):
    stream = chunked([event(b"a"), event(b"b"), USAGE, END])
    pair.first.answer = after(8)
    pair.second.answer = lambda _, connection: connection.sendall(stream) or True
    response = pair.ask(stream=True)
    assert response["x-weir-deployment"] == "second/m" and b"a" in response.body and response.body.endswith(END)


@pytest.mark.parametrize("broken", ["first", "second"])
def test_one_that_fails_leaves_the_turn_to_the_other(pair, broken):
    bad, good = (pair.first, pair.second) if broken == "first" else (pair.second, pair.first)
    bad.answer, good.answer = after(1, failing("500 No")), after(2)
    response = pair.ask()
    assert response.status == 200 and response.body == OK
    assert response["x-weir-deployment"] == ("second/m" if broken == "first" else "first/m")
    turn = pair.turn(response)
    assert sorted(one["status"] for one in turn["tries"]) == [200, 500] and len(turn["tries"]) == 2
    assert turn["cost_nano_usd"] == turn["tries"][-1]["cost_nano_usd"], "an error owes nothing"


def test_one_whose_connection_breaks_leaves_the_turn_to_the_other(pair):
    pair.first.answer, pair.second.answer = after(1, lambda *_: False), after(2)
    response = pair.ask()
    assert response.status == 200 and response["x-weir-deployment"] == "second/m"


def test_both_may_fail(pair):
    pair.first.answer, pair.second.answer = after(1, failing("500 No")), after(1.2, failing("503 No"))
    response = pair.ask()
    assert response.status in (500, 503)
    turn = pair.turn(response)
    assert sorted(one["status"] for one in turn["tries"]) == [500, 503] and turn["cost_nano_usd"] == 0
    assert held(pair)[1] == 0


def test_a_clients_own_fault_ends_both(pair):
    pair.first.answer, pair.second.answer = after(1, failing("400 No")), after(8)
    began = time.monotonic()
    response = pair.ask()
    assert response.status == 400 and time.monotonic() - began < 7
    assert held(pair)[1] == 0


def test_there_is_no_second_where_a_budget_has_no_room_for_it(pair):
    pair.first.answer = after(1)
    response = pair.ask("poor")
    assert response.status == 200 and response["x-weir-deployment"] == "first/p" and len(pair.second.requests) == 0
    assert len(pair.turn(response)["tries"]) == 1


def test_a_client_that_hangs_up_on_both_pays_for_both_and_holds_nothing(pair):
    pair.first.answer = pair.second.answer = after(8)
    with pair.running.client() as client:
        client.send(request(pair.running.key, b'{"model":"hedged","messages":[]}', headers=["x-weir-session: gone-twice"]))
        pair.second.wait_for(1, 20)
    def its_turn():
        return next((one for one in pair.running.weir.turns() if (one.get("session") or {}).get("value") == "gone-twice"), None)

    turn = weirkit.wait_until(its_turn, 20, "its turn")
    assert turn["error"] == "client_closed" and "cancelled" in turn["flags"] and "estimated" in turn["flags"]
    lost, = [one for one in turn["tries"] if one.get("error") == "hedge_lost"]
    assert turn["cost_nano_usd"] > lost["cost_nano_usd"] > 0
    assert held(pair)[1] == 0
    # Nothing of it is left behind: the next turn is served as ever.
    pair.first.answer = answer_ok
    assert pair.ask().status == 200


def test_a_deployment_is_slow_by_its_own_measure(pair):
    for _ in range(25):
        assert pair.ask("measured")["x-weir-deployment"] == "first/q"
    pair.second.forget()
    pair.first.answer = after(8)
    response = pair.ask("measured")
    assert response["x-weir-deployment"] == "second/q"
    assert [one.get("error") for one in pair.turn(response)["tries"]] == ["hedge_lost", None]


@pytest.mark.parametrize("model", ["strict", "tight"])
def test_nothing_is_hedged_where_a_strict_budget_or_limit_in_tokens_holds(pair, model):
    pair.first.answer = after(1.5)
    response = pair.ask(model)
    assert response.status == 200 and response["x-weir-deployment"] == f"first/{model[0]}" and len(pair.second.requests) == 0
    assert len(pair.turn(response)["tries"]) == 1


def test_a_hedged_turn_is_one_request_before_a_kill_and_after_it(pair):
    assert pair.ask().status == 200
    turns, _ = counted(pair)
    pair.first.answer = after(8)
    response = pair.ask()
    assert response["x-weir-deployment"] == "second/m" and len(pair.turn(response)["tries"]) == 2
    assert counted(pair) == (turns + 1, 0)
    # One try breaks off with an answer begun, and may have been billed: the next one counts the turn.
    pair.first.answer = lambda *_: False
    assert len(pair.turn(pair.ask("plain"))["tries"]) == 2
    assert counted(pair) == (turns + 2, 0)
    # And a turn that the kill cuts while both are asked.
    pair.first.answer = pair.second.answer = after(8)
    pair.second.forget()
    with pair.running.client() as client:
        client.send(request(pair.running.key, b'{"model":"hedged","messages":[]}'))
        pair.second.wait_for(1, 20)
        assert counted(pair) == (turns + 2, 2)
        pair.running.weir.kill()
    pair.running.weir.start()
    assert counted(pair) == (turns + 3, 0)


def test_tokens_of_tries_that_served_nothing_are_counted_before_a_kill_and_after_it(pair):
    limits = ("turns", "tokens", "tokens-of-days")
    before = [counted(pair, limit)[0] for limit in limits]
    pair.first.answer = after(8)
    lost = pair.turn(pair.ask())
    pair.first.answer = lambda *_: False
    broken = pair.turn(pair.ask("plain"))
    for turn in (lost, broken):
        first, served = turn["tries"]
        assert first["input_tokens"] > 0 and "input_tokens" not in served and "spent_tries" in turn["flags"], turn
    tokens = sum(one.get("input_tokens", 0) + one.get("output_tokens", 0) for turn in (lost, broken) for one in turn["tries"])
    served = sum(turn["usage"]["input"] + turn["usage"]["output"] for turn in (lost, broken))
    # What never went out is no request and used nothing.
    unsent = pair.ask("nowhere")
    assert unsent.status == 503 and "unsent" in pair.turn(unsent)["flags"]
    expected = [before[0] + 2, before[1] + tokens + served, before[2] + tokens + served]
    assert [counted(pair, limit)[0] for limit in limits] == expected
    pair.running.weir.kill()
    pair.running.weir.start()
    assert [counted(pair, limit)[0] for limit in limits] == expected


def test_a_lost_try_counts_at_its_own_deployment_before_a_kill_and_after_it(pair):
    def figures():
        rows = pair.running.weir.json("report", "spend", "--by", "deployment")["rows"]
        money = sum(one["used"] for one in pair.running.weir.json("budget", "show", "first-money")["counters"])
        first = next(row for row in rows if row["labels"] == ["first/m"])
        return [counted(pair, f"first-{what}")[0] for what in ("turns", "tokens", "tokens-of-days")] + [
            money, first["turns"], first["cost_nano_usd"]]

    pair.ask()
    before = figures()
    pair.first.answer = after(8)
    lost = pair.turn(pair.ask())
    pair.first.answer = lambda *_: False
    broken = pair.turn(pair.ask("plain"))
    tokens = cost = 0
    for turn in (lost, broken):
        first, served = turn["tries"]
        assert (first["deployment"], served["deployment"]) == ("first/m", "second/m"), turn
        tokens += first["input_tokens"] + first.get("output_tokens", 0)
        cost += first["cost_nano_usd"]
    assert tokens > 0 and cost > 0
    # Neither turn is one of the first deployment's, but what they used there is.
    expected = [value + more for value, more in zip(before, (0, tokens, tokens, cost, 0, cost))]
    assert figures() == expected
    pair.running.weir.kill()
    pair.running.weir.start()
    assert figures() == expected


def test_a_loser_without_a_price_is_unknown_until_it_has_one_and_never_free(pair, tmp_path):
    # No budget holds here: under one, nothing without a price is let through.
    route = "event_loops: 1\nroutes:\n  - {model: bare, affinity: none, hedge: {after_milliseconds: 300}, deployments: [bare/m, second/m]}\n"
    lines = provider_lines("bare", pair.first.port) + provider_lines("second", pair.second.port)
    pair.first.answer = after(8)
    with gateway(lines + PRICES + route) as running:
        response = running.call(b'{"model":"bare","max_tokens":10,"messages":[]}')
        turn = running.turn(response.id)
        lost, served = turn["tries"]
        assert lost["deployment"] == "bare/m" and lost["cost_nano_usd"] == 0 < lost["input_tokens"] and "unpriced" in turn["flags"], turn
        assert "held" not in turn["flags"], turn
        # What served has a price, and the other try still has none: that is the one to name.
        assert [one["deployment"] for one in running.weir.json("price", "unpriced")["data"]] == ["bare/m"]
        assert running.weir.json("price", "rerate")["data"] == [] and "unpriced" in running.turn(response.id)["flags"]
        prices = tmp_path / "prices.json"
        prices.write_text(
            '{"bare/m": {"litellm_provider": "bare", "mode": "chat", "input_cost_per_token": 3e-06, "output_cost_per_token": 1e-05}}')
        running.weir.cli("price", "import", "litellm", str(prices))
        assert running.weir.json("price", "rerate")["data"] == [{"deployment": "bare/m", "turns": 1}]
        assert running.weir.json("price", "unpriced")["data"] == []
        priced = running.turn(response.id)
        assert priced["cost_nano_usd"] == turn["cost_nano_usd"] + lost["input_tokens"] * 3000, (turn, priced)
        assert "unpriced" not in priced["flags"] and "rerated" in priced["flags"]


def stream_that_begins_late(_, connection):
    """Says something after the hedge has failed, and nothing more for a long time."""
    time.sleep(1.5)
    connection.sendall(SSE + b"%x\r\n%s\r\n" % (len(event(b"so")), event(b"so")))
    time.sleep(8)
    return False


@pytest.mark.parametrize("model", ["waiting", "failed"])
def test_a_turn_whose_hedge_never_got_a_connection_is_not_lost_by_a_kill(pair, model):
    turns, _ = counted(pair)
    pair.first.answer = stream_that_begins_late if model == "failed" else after(18)
    with pair.running.client() as client:
        client.send(request(pair.running.key, b'{"model":"%s","stream":true,"max_tokens":10,"messages":[]}' % model.encode()))
        if model == "failed":
            client.reader.until(b'"so"')
            assert counted(pair) == (turns, 1)
        else:
            weirkit.wait_until(lambda: counted(pair) == (turns, 2), what="two reservations")
        pair.running.weir.kill()
    pair.running.weir.start()
    # Its provider has it: it is a request, and it costs what was reserved.
    assert counted(pair) == (turns + 1, 0)
    cut = next(one for one in pair.running.weir.turns() if one["model_asked"] == model)
    assert cut["error"] == "crashed" and cut["cost_nano_usd"] > 0 and "unsent" not in cut["flags"], cut


@pytest.mark.parametrize("how", ["leaves", "is_revoked"])
def test_a_turn_that_ends_while_its_hedge_waits_for_a_connection_was_sent(pair, how):
    pair.ask()
    turns, _ = counted(pair)
    pair.first.answer = after(18)
    secret = pair.running.weir.key("--name", f"ends-{how}")
    with pair.running.client() as client:
        client.send(request(secret, b'{"model":"waiting","max_tokens":10,"messages":[]}'))
        weirkit.wait_until(lambda: counted(pair) == (turns, 2), what="two reservations")
        if how == "is_revoked":
            pair.running.weir.cli("key", "revoke", secret.split("_")[2])
            assert client.response().status == 401
    weirkit.wait_until(lambda: counted(pair) == (turns + 1, 0), what="the end of the turn")
    cut = weirkit.wait_until(
        lambda: next((one for one in pair.running.weir.turns() if one["key_id"] == secret.split("_")[2]), None), what="the turn")
    # The one that went out may be billed; the one that found no connection is no try of it.
    assert cut["deployment"] == "first/m" and cut["cost_nano_usd"] > 0 and cut["usage_source"] != "none", cut
    assert "unsent" not in cut["flags"] and all(one["deployment"] != "silent/m" or one["cost_nano_usd"] == 0 for one in cut["tries"]), cut


def test_the_route_says_that_it_hedges(pair):
    routes = {one["name"]: one.get("hedge") for one in pair.running.weir.json("route", "list")["data"]}
    assert routes["hedged"] == "300 ms" and routes["measured"] == "p95" and routes["plain"] is None
