"""With `journal.sync: always` an answer waits for the disk before it ends. What its provider does meanwhile is no part of it."""

import time

import pytest

import weirkit
from gateway import gateway_with
from scripted import WHOLE, KeptClient, ScriptedProvider, answer

# Longer than a provider on this machine takes to close, or to send a byte too many.
SYNC = "journal: {sync: always, sync_milliseconds: 150}\n"
STREAM = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\ndata: [DONE]\n\n')


def whole(connection):
    connection.sendall(answer())
    return True


def whole_and_close(connection):
    connection.sendall(answer(fields="Connection: close\r\n"))


def whole_and_close_unsaid(connection):
    connection.sendall(answer())


def stream_and_close(connection):
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        + f"{len(STREAM):x}\r\n".encode() + STREAM + b"\r\n0\r\n\r\n")


def stream_in_pieces_and_close(connection):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    first, rest = STREAM[:90], STREAM[90:]
    for piece in (head, f"{len(first):x}\r\n".encode() + first + b"\r\n", f"{len(rest):x}\r\n".encode() + rest + b"\r\n0\r\n\r\n"):
        connection.sendall(piece)
        time.sleep(0.02)


def whole_and_a_byte(connection):
    connection.sendall(answer())
    time.sleep(0.02)
    connection.sendall(b"X")
    return True


SCRIPTS = {script.__name__: script for script in (
    whole, whole_and_close, whole_and_close_unsaid, stream_and_close, stream_in_pieces_and_close, whole_and_a_byte)}


@pytest.fixture(scope="module")
def provider():
    made = ScriptedProvider(SCRIPTS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(provider):
    providers, prices = provider.configuration()
    with gateway_with(providers=providers, extra=prices + SYNC) as made:
        yield made


@pytest.mark.parametrize("model", SCRIPTS)
def test_an_answer_that_is_settled_reaches_its_client_whatever_its_provider_does_then(gateway, model):
    streams = model.startswith("stream")
    # The client's own connection has nothing to do with its provider's, and is kept.
    client = KeptClient(gateway, timeout=5)
    for number in range(3):
        more = {"stream": True, "stream_options": {"include_usage": True}} if streams else {}
        got = client.ask(model, case=f"{model}-{number}", **more)
        assert (got.status, got.body) == (200, STREAM if streams else WHOLE), got
    client.close()
    turns = weirkit.wait_until(
        lambda: (found := [turn for number in range(3) for turn in gateway.tagged(f"{model}-{number}")]) and len(found) == 3 and found,
        what="the turns")
    for turn in turns:
        assert (turn["status"], turn.get("error"), turn["usage_source"]) == (200, None, "provider"), turn
        assert turn["cost_nano_usd"] == 5 * 10_000 + 2 * 50_000 and len(turn["tries"]) == 1
