"""How routes choose: breakers, sessions that stay, conditions, keys, credentials; and what the ledger and the command line say of it."""

import json

import pytest

import weirkit
from rawhttp import request
from rawprovider import OK, Provider, answer_ok
from routekit import failing, hang, provider_lines, ready, running_pair
from wiregateway import gateway


@pytest.fixture(scope="module")
def pair():
    with running_pair() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(pair):
    pair.forget()


def test_breakers_open_after_three_failures_and_close_after_a_probe(pair):
    pair.first.answer = failing("500 No")
    for _ in range(3):
        assert pair.ask("breaking").status == 200
    assert pair.served() == (3, 3)
    # Open: the first is not asked at all.
    response = pair.ask("breaking")
    assert pair.served() == (3, 4)
    states = {one["deployment"]: one["state"] for one in pair.turn(response)["routing"]["candidates"]}
    assert states == {"first/n": "open", "second/n": "ready"}
    assert breaker(pair, "first/n") in ("open", "half_open")
    pair.first.answer = answer_ok
    weirkit.wait_until(lambda: breaker(pair, "first/n") == "half_open", 20, "the breaker to let a probe through")
    assert pair.ask("breaking")["x-weir-deployment"] == "first/n"
    assert breaker(pair, "first/n") == "closed"


def breaker(pair, deployment):
    route = pair.running.weir.json("route", "show", "breaking")
    return {one["deployment"]: one["breaker"] for one in route["deployments"]}[deployment]


def test_a_session_stays_where_it_was_served(pair):
    for number in range(12):
        name = f"session-{number}"
        places = {pair.ask("sticky", session=name)["x-weir-deployment"] for _ in range(4)}
        assert len(places) == 1
    assert min(pair.served()) > 0, "chance sends some sessions to each"


def test_signed_blocks_do_not_leave_their_maker(pair):
    first = pair.ask("sticky", session="signed")
    home = first["x-weir-deployment"]
    maker, other = (pair.first, pair.second) if home == "first/s" else (pair.second, pair.first)
    maker.answer = failing("500 No")
    other.forget()
    body = (b'{"model":"sticky","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a",'
            b'"reasoning_details":[{"type":"reasoning.encrypted","data":"c2lnbmVk"}]},{"role":"user","content":"go on"}]}')
    response = pair.ask(session="signed", body=body)
    assert response.status == 500 and len(other.requests) == 0
    turn = pair.turn(response)
    assert turn["routing"]["reason"] == "signed" and turn["routing"]["forced"]
    # Without them it goes on.
    assert pair.ask("sticky", session="signed").status == 200


def test_conditions_choose_and_the_decision_says_so(pair):
    small = pair.ask("small-or-large")
    large = pair.ask("small-or-large", more=b',"pad":"%s"' % (b"x" * 4000))
    tools = pair.ask("small-or-large", more=b',"tools":[{"type":"function","function":{"name":"a"}}]')
    assert [one["x-weir-deployment"] for one in (small, large, tools)] == ["first/c", "second/c", "second/c"]
    routing = pair.turn(large)["routing"]
    assert [one["state"] for one in routing["candidates"]] == ["condition", "ready"]
    assert [one["probability_ppm"] for one in routing["candidates"]] == [0, 1_000_000]
    assert routing["input_tokens"] > 500 and routing["reason"] == "only"


def test_route_explain_tells_a_turn_and_a_question(pair):
    response = pair.ask("small-or-large")
    text = pair.running.weir.cli("route", "explain", response["x-weir-request-id"]).stdout
    assert "route small-or-large picks by order" in text and "first/c" in text and "second/c" in text
    key = pair.running.key.split("_")[2]
    found = pair.running.weir.json("route", "explain", "--model", "small-or-large", "--key", key, "--tokens", "9000")
    assert [one["state"] for one in found["candidates"]] == ["condition", "ready"]
    shown = pair.running.weir.cli("turn", "show", response["x-weir-request-id"]).stdout
    assert "picks by order" in shown


def test_a_key_sees_only_its_own_deployments(pair):
    key = pair.running.weir.key("--model", "second/*")
    response = pair.running.call(b'{"model":"pair","messages":[]}', key=key)
    assert response.status == 200 and response["x-weir-deployment"] == "second/m" and pair.served() == (0, 1)
    none = pair.running.weir.key("--model", "other/*")
    assert pair.running.call(b'{"model":"pair","messages":[]}', key=none).status == 403


def test_a_client_that_hangs_up_between_tries_is_settled_once(pair):
    ready(pair, "first/m")
    pair.first.answer = hang
    with pair.running.client() as client:
        client.send(request(pair.running.key, b'{"model":"alone","messages":[]}', headers=["x-weir-session: gone"]))
        pair.first.wait_for(1)
    turn = weirkit.wait_until(
        lambda: next((one for one in pair.running.weir.turns() if (one.get("session") or {}).get("value") == "gone"), None), 10, "its turn")
    assert turn["error"] == "client_closed" and "cancelled" in turn["flags"]


def test_a_credential_that_is_limited_or_refused_rests_while_others_serve():
    provider = Provider()

    def by_key(received, connection):
        if "limited" in received["authorization"]:
            return failing("429 No", "Retry-After: 60")(received, connection)
        if "refused" in received["authorization"]:
            return failing("401 No")(received, connection)
        return answer_ok(received, connection)

    provider.answer = by_key
    keys = "".join(f"      - {{key: '${{KEY_{name}}}', name: {name}, weight: 1}}\n" for name in ("LIMITED", "REFUSED", "GOOD"))
    lines = provider_lines("many", provider.port, "    api_keys:\n" + keys)
    environment = {"KEY_LIMITED": "sk-limited", "KEY_REFUSED": "sk-refused", "KEY_GOOD": "sk-good"}
    with gateway(lines + "event_loops: 1\n", environment=environment) as running:
        # No route at all: the provider's own credentials stand in for each other.
        for number in range(30):
            response = running.call(b'{"model":"many/m","messages":[]}', headers=[f"x-weir-session: s{number}"])
            assert response.status == 200 and response.body == OK and response["x-weir-route"] is None
        seen = [one["authorization"] for one in provider.requests]
        assert seen.count("Bearer sk-limited") == 1 and seen.count("Bearer sk-refused") == 1 and seen.count("Bearer sk-good") == 30
        turns = running.weir.turns()
        tried = [one for turn in turns for one in turn["tries"]]
        assert {one["credential"] for one in tried} == {"LIMITED", "REFUSED", "GOOD"}
        text = json.dumps(turns)
        assert not any(secret in text for secret in environment.values())
    provider.close()
