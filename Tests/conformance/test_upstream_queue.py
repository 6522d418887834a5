"""Requests that wait for a connection to their provider: who hangs up gives its place, and its body, to those who are still there."""

import threading

import pytest

import weirkit
from gateway import gateway_with
from scripted import WHOLE, KeptClient, ScriptedProvider, answer
from test_memory import resident_bytes

PLACES, BODY_BYTES = 24, 1 << 20
CONFIGURATION = f"event_loops: 1\nlimits: {{upstream_connections_per_loop_max: 1, upstream_waiters_max: {PLACES}}}\n"


@pytest.fixture
def may_end():
    """Ends the answer that holds the only connection."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def gateway(may_end):
    def long(connection):
        may_end.wait(60)
        connection.sendall(answer())
        return True

    def plain(connection):
        connection.sendall(answer())
        return True

    provider = ScriptedProvider({"long": long, "plain": plain})
    providers, prices = provider.configuration()
    with gateway_with(providers=providers, extra=prices + CONFIGURATION) as made:
        made.provider = provider
        yield made
        may_end.set()
    provider.close()


def take_the_connection(gateway):
    holder = KeptClient(gateway)
    holder.send("long")
    weirkit.wait_until(lambda: gateway.provider.asked == ["long"], what="the only connection to be taken")
    return holder


def active(gateway, count):
    weirkit.wait_until(lambda: gateway.read("/status")["active_requests"] == count, what=f"{count} active requests")


def fill(gateway, **more):
    """Callers in all places of the queue."""
    clients = [KeptClient(gateway) for _ in range(PLACES)]
    for client in clients:
        client.send("plain", **more)
    active(gateway, 1 + PLACES)
    return clients


def hang_up(gateway, clients):
    for client in clients:
        client.close()
    active(gateway, 1)


def test_callers_that_hang_up_while_they_wait_for_a_connection_keep_nobody_out(gateway, may_end):
    holder = take_the_connection(gateway)
    for _ in range(2):
        gone = fill(gateway, case="gone")
        # All places are taken by callers that are there.
        late = KeptClient(gateway)
        refused = late.ask("plain")
        assert refused.status == 503 and b"upstream_busy" in refused.body
        hang_up(gateway, gone)
    waiting = fill(gateway)
    may_end.set()
    assert [client.read().body for client in [holder, *waiting]] == [WHOLE] * (1 + PLACES)
    assert gateway.provider.asked == ["long"] + ["plain"] * PLACES, "nobody was asked for those who had gone"
    turns = weirkit.wait_until(lambda: len(found := gateway.tagged("gone")) == 2 * PLACES and found, what="the turns of who had gone")
    assert {(turn["status"], turn["cost_nano_usd"]) for turn in turns} == {(499, 0)}


def test_bodies_of_callers_that_hung_up_while_they_waited_are_not_kept(gateway):
    holder = take_the_connection(gateway)
    resident = []
    for _ in range(5):
        hang_up(gateway, fill(gateway, padding="x" * BODY_BYTES))
        resident.append(resident_bytes(gateway.weir.process.pid))
    # What the first ones took serves those that come after them.
    assert resident[-1] - resident[0] < PLACES * BODY_BYTES, resident
    holder.close()
