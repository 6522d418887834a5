"""What a server that is told to stop still owes: answers that are finished and on their way to a client that reads slowly."""

import json
import signal
import time

import weirkit
from gateway import gateway_with
from scripted import ANSWER, KeptClient, ScriptedProvider, answer

BODY = json.dumps({**ANSWER, "padding": "x" * 900_000}).encode()


def large(connection):
    connection.sendall(answer(BODY))
    return True


def is_stuck(gateway):
    """Whether the last answer is finished and has not wholly reached its client's socket."""
    for _ in range(20):
        if gateway.read("/status")["active_requests"] == 0:
            return False
        time.sleep(0.02)
    return True


def test_finished_answers_that_a_slow_client_has_not_taken_are_not_cut_when_the_server_stops():
    provider = ScriptedProvider({"large": large})
    providers, prices = provider.configuration()
    with gateway_with(providers=providers, extra=prices) as gateway:
        client = KeptClient(gateway, receive_bytes=4096)
        sent = 0
        # As many as the sockets in between hold, and one more: no request waits behind the answers.
        while sent < 40:
            client.send("large", case=f"large-{sent}")
            sent += 1
            weirkit.wait_until(lambda: gateway.tagged(f"large-{sent - 1}"), what="the turn's settlement")
            if is_stuck(gateway):
                break
        assert 1 < sent < 40
        gateway.weir.process.child.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert gateway.weir.process.child.poll() is None, "it waits for its client"
        assert [client.read().body == BODY for _ in range(sent)] == [True] * sent
        assert client.is_closed()
        client.close()
        assert gateway.weir.process.child.wait(timeout=20) == 0
    provider.close()
