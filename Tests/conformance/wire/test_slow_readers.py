"""Backpressure: a client that stops reading slows its provider and not Weir's memory, and gets every byte when it reads on."""

import hashlib
import pathlib
import time

import pytest

import weirkit
from rawhttp import request
from rawprovider import plain
from wiregateway import gateway

MEGABYTES = 200
STREAM = b'{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":true}}'
WITHHELD = b'{"model":"gpt-5.4-mini","stream":true}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"' + b"x" * 16_000 + b'"}}]}\n\n'


def resident_megabytes(process_id):
    status = pathlib.Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def kernel_buffers():
    """The most that two connections hold by themselves, in bytes: what the provider sent and Weir has not read, and what Weir
    sent. The reader's own buffer is small. A faster Weir makes the kernel grow the first to its limit."""
    limits = {name: int(pathlib.Path(f"/proc/sys/net/ipv4/tcp_{name}").read_text().split()[2]) for name in ("rmem", "wmem")}
    return limits["rmem"] + 2 * limits["wmem"]


class Flood:
    """A provider's answer of many megabytes; counts what it could write."""

    def __init__(self, framing, megabytes=MEGABYTES):
        self.framing, self.written, self.done, self.digest = framing, 0, False, hashlib.sha256()
        self.events = megabytes * (1 << 20) // len(EVENT)

    def __call__(self, _, connection):
        if self.framing == "chunked":
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            piece = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
        else:
            length = b"Content-Length: %d\r\n" % (self.events * len(EVENT)) if self.framing == "length" else b"Connection: close\r\n"
            connection.sendall(HEAD + length + b"\r\n")
            piece = EVENT
        for _ in range(self.events):
            connection.sendall(piece)
            self.digest.update(EVENT)
            self.written += len(piece)
        if self.framing == "chunked":
            connection.sendall(b"0\r\n\r\n")
        self.done = True
        return False


def stalled(flood):
    """Waits until the provider has been unable to write for a while, and gives how much went out before."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        if flood.written != last:
            last, since = flood.written, time.monotonic()
        time.sleep(0.02)
    return last


@pytest.mark.parametrize(
    "framing, body",
    [("chunked", STREAM), ("length", STREAM), ("close", STREAM), ("chunked", WITHHELD)],
    ids=["chunked", "length", "close", "withholding"],
)
def test_a_reader_that_stops_costs_no_memory_and_loses_no_byte(shared, framing, body):
    flood = Flood(framing)
    shared.provider.answer = flood
    before = resident_megabytes(shared.weir.process.pid)
    with shared.client(timeout=60, receive_buffer=65536) as client:
        client.send(request(shared.key, body))
        written = stalled(flood)
        assert not flood.done and written < kernel_buffers() + (16 << 20), "the provider must be slowed by its reader"
        while_stopped = resident_megabytes(shared.weir.process.pid)
        assert while_stopped - before < 16, f"{before:.0f} MB became {while_stopped:.0f} MB while nobody read"
        digest, peak = read_body(client, shared)
    assert digest == flood.digest.hexdigest() and flood.done
    assert peak - before < 24, f"{before:.0f} MB became {peak:.0f} MB while somebody read"


def read_body(client, shared):
    """The digest of the body, read without keeping it, and the most memory that Weir took meanwhile."""
    reader = client.reader
    _, fields, _ = reader.head()
    digest, peak, count = hashlib.sha256(), 0, 0
    length = dict((name.lower(), value) for name, value in fields).get("content-length")
    left = int(length) if length else None
    while left is None or left > 0:
        size = min(left, 1 << 20) if left is not None else int(reader.until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            break
        while size:
            if not reader.pending:
                reader.more()
            piece = reader.take(min(size, len(reader.pending)))
            digest.update(piece)
            size -= len(piece)
            left = left - len(piece) if left is not None else None
            count += 1
            if count % 500 == 0:
                peak = max(peak, resident_megabytes(shared.weir.process.pid))
        if left is None:
            assert reader.take(2) == b"\r\n"
    return digest.hexdigest(), peak


def test_a_client_that_sends_without_reading_is_slowed_too(shared):
    """Pipelined requests, and the answers that nobody takes, wait in sockets and not in Weir."""
    answer = plain(b'{"x":"' + b"y" * 60_000 + b'"}')
    shared.provider.answer = lambda _, connection: connection.sendall(answer) or True
    before = resident_megabytes(shared.weir.process.pid)
    one = request(shared.key, b'{"model":"gpt-5.4-mini","x":"' + b"y" * 60_000 + b'"}')
    with shared.client(timeout=1, receive_buffer=4096) as client:
        client.socket.settimeout(1.5)
        sent = 0
        try:
            for _ in range(3000):
                client.send(one)
                sent += 1
        except TimeoutError:
            pass
        assert sent < 3000, "180 MB went into a connection whose answers nobody reads"
        assert resident_megabytes(shared.weir.process.pid) - before < 24
    assert shared.call(b'{"model":"gpt-5.4-mini"}').status == 200


def test_a_reader_that_takes_nothing_is_cut_and_billed():
    with gateway("limits:\n  slow_reader_seconds: 1\n") as running:
        flood = Flood("chunked", 40)
        running.provider.answer = flood
        with running.client(receive_buffer=4096) as client:
            client.send(request(running.key, STREAM))
            turn = weirkit.wait_until(lambda: next(iter(running.weir.turns()), None), 10, "the cut turn")
        assert turn["error"] == "client_closed" and "cancelled" in turn["flags"]
        assert turn["usage_source"] == "estimated" and turn["usage"]["output"] > 1000
        assert not flood.done


def test_many_slow_streams_at_once_keep_order(shared):
    flood = Flood("chunked", 2)
    shared.provider.answer = lambda received, connection: Flood("chunked", 2)(received, connection)
    clients = [shared.client(receive_buffer=8192) for _ in range(24)]
    for client in clients:
        client.send(request(shared.key, STREAM))
    expected = hashlib.sha256(EVENT * flood.events).hexdigest()
    for client in clients:
        assert read_body(client, shared)[0] == expected
        client.close()


def test_the_end_of_an_answer_waits_for_a_slow_reader():
    """Neither the keep-alive limit nor the grace of a closing connection cuts off what the client has still to take.

    How much the socket takes is the kernel's business, so clients differ in how many answers they ask for: with one of them
    the last answer is half in the socket and half in Weir."""
    body = b'{"x":"' + b"y" * 1_000_000 + b'"}'
    with gateway("limits:\n  keep_alive_seconds: 1\n") as running:
        running.provider.answer = lambda _, connection: connection.sendall(plain(body)) or True
        one = request(running.key, b'{"model":"gpt-5.4-mini"}')
        last = request(running.key, b'{"model":"gpt-5.4-mini"}', headers=["Connection: close"])
        clients = []
        for count in range(1, 7):
            for end in (one, last):
                client = running.client(receive_buffer=4096)
                client.send(one * (count - 1) + end)
                clients.append((client, count))
        time.sleep(6.5)
        for client, count in clients:
            for number in range(count):
                assert client.response().body == body, f"answer {number + 1} of {count}"
            client.close()
