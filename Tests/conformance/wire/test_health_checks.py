"""Active checks of providers: turns leave one that fails its checks before they meet it, and come back to it."""

import pytest

import weirkit
from rawprovider import Provider, answer_ok, answering, plain
from routekit import failing, provider_lines
from wiregateway import gateway

HEALTH = """    health: {path: /health, seconds: 1, timeout_seconds: 1, failures_max: 2, passes_min: 2}
"""
ROUTES = """
event_loops: 1
routes:
  - model: pair
    affinity: none
    deployments: [first/m, second/m]
  - model: alone
    deployments: [first/m]
"""


class Checked(Provider):
    """A provider that answers checks and turns each in a way that can be set."""

    def __init__(self):
        super().__init__()
        self.health = answering(plain(b"fine"))
        self.turn = answer_ok
        self.answer = lambda received, connection: (self.health if received.target == "/health" else self.turn)(received, connection)

    def turns(self):
        return [one for one in self.requests if one.target != "/health"]

    def checks(self):
        return [one for one in self.requests if one.target == "/health"]


@pytest.fixture(scope="module")
def pair():
    first, second = Checked(), Checked()
    lines = provider_lines("first", first.port, HEALTH) + provider_lines("second", second.port)
    with gateway(lines + ROUTES) as running:
        running.first, running.second = first, second
        yield running
    first.close()
    second.close()


def health(pair):
    found = {one["name"]: one.get("health") for one in pair.weir.json("provider", "list")["data"]}
    assert found["second"] is None, "it is not checked"
    return found["first"]


def ask(pair, model="pair"):
    return pair.call(b'{"model":"%s","messages":[]}' % model.encode())


def becomes(pair, state):
    weirkit.wait_until(lambda: health(pair)["state"] == state, 30, f"the provider to be {state}")


def test_turns_leave_a_provider_that_fails_its_checks_and_come_back(pair):
    becomes(pair, "up")
    assert ask(pair)["x-weir-deployment"] == "first/m"
    check = pair.first.checks()[0]
    assert check.method == "GET" and check["host"] == f"127.0.0.1:{pair.first.port}"
    pair.first.health = failing("503 No")
    becomes(pair, "down")
    served = len(pair.first.turns())
    response = ask(pair)
    assert response["x-weir-deployment"] == "second/m" and len(pair.first.turns()) == served
    states = {one["deployment"]: one["state"] for one in pair.turn(response["x-weir-request-id"])["routing"]["candidates"]}
    assert states == {"first/m": "unhealthy", "second/m": "ready"}
    assert health(pair)["problem"] == "status 503"
    assert "down: status 503" in pair.weir.cli("provider", "list").stdout
    shown, = [one for one in pair.weir.json("route", "show", "pair")["deployments"] if one["deployment"] == "first/m"]
    assert shown["health"]["state"] == "down" and shown["breaker"] == "closed"
    # With nothing better it is asked all the same.
    assert ask(pair, "alone")["x-weir-deployment"] == "first/m"
    pair.first.health = answering(plain(b"fine"))
    becomes(pair, "up")
    assert ask(pair)["x-weir-deployment"] == "first/m"


@pytest.mark.parametrize("fault, problem", [
    (lambda received, connection: False, "the connection was closed"),
    (answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no HTTP"),
    (failing("401 No"), "status 401")], ids=["closed", "garbage", "refused"])
def test_what_is_no_answer_is_a_failure(pair, fault, problem):
    becomes(pair, "up")
    pair.first.health = fault
    becomes(pair, "down")
    assert problem in health(pair)["problem"]
    pair.first.health = answering(plain(b"fine"))
    becomes(pair, "up")


def test_a_check_that_hangs_ends_with_its_time(pair):
    import time

    becomes(pair, "up")

    def hang(_, connection):
        time.sleep(2)
        return False

    pair.first.health = hang
    becomes(pair, "down")
    assert health(pair)["problem"] == "no answer within 1 s"
    pair.first.health = answering(plain(b"fine"))
    becomes(pair, "up")
