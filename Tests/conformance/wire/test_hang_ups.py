"""Who ends a stream early, and what becomes of it: the client, the operator who revokes a key, the operator who stops Weir. Each
time the provider is stopped or read to its end as its policy says, and the turn is billed."""

import threading
import time

import pytest

import weirkit
from rawhttp import Closed, request
from rawprovider import OK, answering, plain
from wiregateway import gateway

STREAM = b'{"model":"gpt-5.4-mini","stream":true}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(event):
    return b"%x\r\n%s\r\n" % (len(event), event)


EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'
END = (
    b"".join(
        chunk(event)
        for event in [
            b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
            b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":70,"completion_tokens":30}}\n\n',
            b"data: [DONE]\n\n",
        ]
    )
    + b"0\r\n\r\n"
)


class Held:
    """A provider's answer that goes on when the test says so; knows whether its reader stayed to the end."""

    def __init__(self):
        self.go = threading.Event()
        self.reached_the_end = 0
        self.broke = 0

    def __call__(self, _, connection):
        try:
            connection.sendall(HEAD + chunk(EVENT))
            self.go.wait(15)
            for _ in range(20):
                connection.sendall(chunk(EVENT))
                time.sleep(0.01)
            connection.sendall(END)
            self.reached_the_end += 1
            return True
        except OSError:
            self.broke += 1
            return False


def hung_up(running, held, count=1):
    """Streams whose clients leave after the first event."""
    running.provider.answer = held
    for _ in range(count):
        with running.client() as client:
            client.send(request(running.key, STREAM))
            client.reader.until(EVENT)
    time.sleep(0.2)
    held.go.set()
    return weirkit.wait_until(lambda: len(running.weir.turns()) >= count and running.weir.turns(), 10, "the turns")


def test_a_provider_that_bills_in_full_is_read_to_its_end_within_a_bound():
    with gateway("event_loops: 1\nlimits:\n  drains_max: 2\n", drain=True) as running:
        held = Held()
        turns = hung_up(running, held, 3)
        weirkit.wait_until(lambda: held.reached_the_end + held.broke == 3, 10, "every stream to end")
        turns = weirkit.wait_until(lambda: len(running.weir.turns()) == 3 and running.weir.turns(), 10, "three turns")
        drained = [turn for turn in turns if "drained" in turn["flags"]]
        assert len(drained) == held.reached_the_end == 2, "only as many as drains_max"
        for turn in drained:
            assert "cancelled" in turn["flags"] and turn["usage_source"] == "provider"
            assert (turn["usage"]["input"], turn["usage"]["output"]) == (70, 30)
        other = next(turn for turn in turns if "drained" not in turn["flags"])
        assert other["error"] == "client_closed" and other["usage_source"] == "estimated"


def test_a_revoked_key_cuts_its_open_streams():
    with gateway() as running:
        held = Held()
        running.provider.answer = held
        key = running.weir.key(developer="rita")
        with running.client() as client, running.client() as other:
            for one, secret in ((client, key), (other, running.key)):
                one.send(request(secret, STREAM))
                one.reader.until(EVENT)
            began = time.monotonic()
            running.weir.cli("key", "revoke", key.split("_")[2])
            with pytest.raises((Closed, ConnectionResetError)):
                client.reader.rest() and client.reader.more()
            assert time.monotonic() - began < 2
            held.go.set()
            assert other.reader.until(b"0\r\n\r\n").endswith(b"[DONE]\n\n\r\n0\r\n\r\n"), "nobody else's stream is cut"
        assert running.call(STREAM, key=key).status == 401
        turn = weirkit.wait_until(
            lambda: [t for t in running.weir.turns() if t.get("error") == "revoked_api_key" and t["stream"]], 10, "the turn"
        )[-1]
        assert turn["developer"] == "rita" and turn["usage"]["output"] > 0


def test_a_stop_lets_running_streams_end_and_takes_nothing_new():
    with gateway("limits:\n  shutdown_seconds: 10\n") as running:
        held = Held()
        running.provider.answer = held
        with running.client() as client, running.client() as idle:
            idle.send(request(running.key, method="GET", path="/healthz"))
            assert idle.response().status == 200
            client.send(request(running.key, STREAM))
            client.reader.until(EVENT)
            running.weir.process.child.terminate()
            assert idle.is_closed(5), "idle connections are closed at once"
            with pytest.raises(OSError):
                running.client()
            held.go.set()
            assert client.reader.until(b"0\r\n\r\n").endswith(b"[DONE]\n\n\r\n0\r\n\r\n")
            assert client.is_closed(5)
        assert running.weir.process.child.wait(10) == 0
        turn = running.weir.turns()[0]
        assert turn["usage"]["output"] == 30 and turn["status"] == 200, "the stopped ledger has the turn"


def test_a_stop_cuts_what_lasts_too_long_and_settles_it():
    with gateway("limits:\n  shutdown_seconds: 1\n") as running:
        held = Held()
        running.provider.answer = held
        with running.client() as client:
            client.send(request(running.key, STREAM))
            client.reader.until(EVENT)
            assert running.weir.stop() == 0
        held.go.set()
        turn = running.weir.turns()[0]
        assert turn["error"] == "shutting_down" and turn["usage_source"] == "estimated"


def test_an_idle_pause_before_the_first_byte_does_not_hide_a_hang_up():
    """The client leaves while the provider thinks: the provider is let go, and the turn is there."""
    with gateway() as running:
        gone = threading.Event()

        def answer(_, connection):
            connection.settimeout(10)
            if connection.recv(1) == b"":
                gone.set()
            return False

        running.provider.answer = answer
        with running.client() as client:
            client.send(request(running.key, STREAM))
            running.provider.wait_for(1)
        assert gone.wait(5)
        turn = weirkit.wait_until(lambda: running.weir.turns(), 10, "the turn")[0]
        assert turn["status"] == 499 and turn["error"] == "client_closed" and "cancelled" in turn["flags"]
        running.provider.answer = answering(plain(OK))
        assert running.call().body == OK
