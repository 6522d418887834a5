"""What a provider, or a proxy before it, can send: garbage, half an answer, two answers, an answer to nobody. A client gets the
whole truth or a clear error, and never somebody else's bytes."""

import gzip
import json
import socket
import threading
import time

import pytest

import weirkit
from rawhttp import Closed, request
from rawprovider import OK, answer_ok, answering, plain
from wiregateway import gateway

BODY = b'{"model":"gpt-5.4-mini","messages":[]}'
STREAM = b'{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":true}}'
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"hello there"}}]}\n\n'
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
EVIL = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"evil":666}'


@pytest.fixture(scope="module")
def shared():
    """One event loop, so that there is one pool and a test knows which connection it gets."""
    with gateway("event_loops: 1\n") as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(shared):
    """No kept connection of another test."""
    shared.provider.answer = answering(plain(b"{}", headers=["Connection: close"]), keep=False)
    assert shared.call(BODY).status == 200
    shared.provider.forget()


def error(response):
    return json.loads(response.body)["error"]


def head(*lines):
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


MALFORMED = {
    "garbage": b"garbage\r\n\r\n",
    "binary": bytes(range(256)) * 3 + b"\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\n\r\n",
    "HTTP/2": head("HTTP/2 200 OK", "Content-Length: 0"),
    "no status": head("HTTP/1.1 OK"),
    "a status of two digits": head("HTTP/1.1 20 OK"),
    "a status of four digits": head("HTTP/1.1 2000 OK"),
    "a status below 100": head("HTTP/1.1 099 No"),
    "two Content-Length": head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 53") + b"{}" + EVIL,
    "two equal Content-Length": head("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 2") + b"{}",
    "length and chunked": head("HTTP/1.1 200 OK", "Content-Length: 2", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + EVIL,
    "a negative length": head("HTTP/1.1 200 OK", "Content-Length: -1") + b"{}",
    "an unknown coding": head("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunked in HTTP/1.0": head("HTTP/1.0 200 OK", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a folded field": head("HTTP/1.1 200 OK", "X-A: b", " c", "Content-Length: 2") + b"{}",
    "a space before the colon": head("HTTP/1.1 200 OK", "Content-Length : 2") + b"{}",
    "NUL": head("HTTP/1.1 200 OK", "X-A: b\0", "Content-Length: 2") + b"{}",
    "a control character in the reason": head("HTTP/1.1 200 O\x01K", "Content-Length: 2") + b"{}",
    "bare CR": head("HTTP/1.1 200 OK", "X-A: b\rSet-Cookie: c", "Content-Length: 2") + b"{}",
    "a header block over the limit": head("HTTP/1.1 200 OK", "X-A: " + "b" * 70_000, "Content-Length: 2") + b"{}",
    "201 fields": head("HTTP/1.1 200 OK", *[f"X-{i}: b" for i in range(200)], "Content-Length: 2") + b"{}",
    "a switch of protocols": head("HTTP/1.1 101 Switching Protocols", "Upgrade: evil", "Connection: Upgrade") + EVIL,
    "a bad chunk size": head("HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked") + b"2\r\n{}\r\nxx\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_an_answer_that_could_mean_two_things_is_a_clear_502(shared, name):
    shared.provider.answer = answering(MALFORMED[name])
    with shared.client() as client:
        client.send(request(shared.key, BODY))
        response = client.response()
        assert response.status == 502 and error(response)["code"] == "upstream_malformed", response.body
        assert "openai" in error(response)["message"] and b"evil" not in response.body and response["retry-after"]
        first = shared.provider.requests[-1].connection
        shared.provider.answer = answer_ok
        client.send(request(shared.key, BODY))
        assert client.response().body == OK, "the client's connection serves on"
        assert shared.provider.requests[-1].connection != first, "the provider's does not"
    turn = shared.turn(response.id)
    assert turn["error"] == "upstream_malformed" and turn["status"] == 502


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"{}") + EVIL,
        SSE + CHUNK + b"0\r\n\r\n" + EVIL,
        head("HTTP/1.1 204 No Content") + EVIL,
        head("HTTP/1.1 200 OK", "Content-Length: 0") + EVIL,
    ],
    ids=["length", "chunked", "204", "empty"],
)
def test_a_second_answer_behind_the_first_reaches_nobody(shared, answer):
    shared.provider.answer = answering(answer)
    with shared.client() as client:
        client.send(request(shared.key, BODY))
        assert b"evil" not in client.response().body
        first = shared.provider.requests[-1].connection
        shared.provider.answer = answer_ok
        client.send(request(shared.key, BODY))
        assert client.response().body == OK
        assert shared.provider.requests[-1].connection != first


def test_an_answer_to_nobody_ends_the_kept_connection(shared):
    kept = []
    shared.provider.answer = lambda _, connection: kept.append(connection) or connection.sendall(plain(OK)) or True
    assert shared.call(BODY).body == OK
    kept[0].sendall(EVIL)
    time.sleep(0.1)
    assert shared.call(BODY).body == OK
    assert len({received.connection for received in shared.provider.requests}) == 2


def test_informational_answers_are_passed_over(shared):
    parts = [
        head("HTTP/1.1 100 Continue"),
        head("HTTP/1.1 103 Early Hints", "Link: </x>"),
        head("HTTP/1.1 102 Processing") + plain(OK)[:20],
        plain(OK)[20:],
    ]
    shared.provider.answer = answering(parts, pause=0.02)
    response = shared.call(BODY)
    assert response.status == 200 and response.body == OK and "link" not in response.names


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(shared, status):
    shared.provider.answer = answering(head(f"HTTP/1.1 {status} X", "Content-Length: 10"))
    with shared.client() as client:
        client.send(request(shared.key, BODY))
        response = client.response()
        assert response.status == status and "content-length" not in response.names and "transfer-encoding" not in response.names
        shared.provider.answer = answer_ok
        client.send(request(shared.key, BODY))
        assert client.response().body == OK


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_passed_as_it_is_and_not_followed(shared, status):
    location = f"http://127.0.0.1:{shared.provider.port}/elsewhere"
    shared.provider.answer = answering(plain(b'{"moved":1}', status=f"{status} Moved", headers=[f"Location: {location}"]))
    response = shared.call(BODY)
    assert (response.status, response["location"], response.body) == (status, location, b'{"moved":1}')
    time.sleep(0.05)
    assert len(shared.provider.requests) == 1


@pytest.mark.parametrize(
    "answer, keeps",
    [
        (head("HTTP/1.0 200 OK", "Content-Type: application/json") + OK, False),
        (head("HTTP/1.0 200 OK", f"Content-Length: {len(OK)}") + OK, False),
        (head("HTTP/1.0 200 OK", "Connection: keep-alive", f"Content-Length: {len(OK)}") + OK, True),
        (plain(OK, headers=["Connection: close"]), False),
        (plain(OK), True),
    ],
    ids=["until close", "1.0", "1.0 keep-alive", "close", "1.1"],
)
def test_a_connection_is_kept_when_its_server_says_so(shared, answer, keeps):
    shared.provider.answer = answering(answer, keep=keeps)
    for _ in range(2):
        response = shared.call(BODY)
        assert response.status == 200 and response.body == OK
    assert (shared.provider.requests[0].connection == shared.provider.requests[1].connection) == keeps


def test_a_large_header_block_within_the_limit_passes(shared):
    shared.provider.answer = answering(plain(OK, headers=["X-Long: " + "b" * 50_000, *[f"X-{i}: y" for i in range(150)]]))
    response = shared.call(BODY)
    assert response.status == 200 and len(response["x-long"]) == 50_000 and response["x-149"] == "y"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 20",
        head("HTTP/1.1 200 OK")[:-2],
        plain(OK)[:-5],
        head("HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked") + b'5\r\n{"a"',
    ],
    ids=["nothing", "half a status line", "half a head", "half a body", "half a chunk"],
)
def test_an_answer_that_breaks_off_is_a_clear_502_while_nothing_was_sent(shared, answer):
    shared.provider.answer = answering(answer, keep=False)
    response = shared.call(BODY)
    assert response.status == 502 and error(response)["code"] == "upstream_closed", response.body
    turn = shared.turn(response.id)
    assert turn["error"] == "upstream_closed" and turn["usage_source"] == "estimated", "the provider may have served it"
    assert len(shared.provider.requests) == 1, "a request that may have been served is not sent again"


@pytest.mark.parametrize(
    "answer",
    [
        SSE + CHUNK,
        SSE + CHUNK + CHUNK[:20],
        SSE + CHUNK + b"zz\r\n",
        head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Content-Length: 9999") + EVENT,
    ],
    ids=["chunks end", "inside a chunk", "a bad chunk size", "length not reached"],
)
def test_a_stream_that_breaks_off_looks_broken(shared, answer):
    shared.provider.answer = answering([answer[:-10], answer[-10:]], keep=False, pause=0.05)
    with shared.client() as client:
        client.send(request(shared.key, STREAM))
        with pytest.raises((Closed, ConnectionResetError)):
            client.response()
    found = weirkit.wait_until(lambda: [t for t in shared.weir.turns() if t["stream"]], 10, "the turn")[0]
    assert found["error"] == "upstream_truncated" and {"truncated", "estimated"} <= set(found["flags"])
    assert found["usage"]["output"] >= 3 and found["cost_nano_usd"] > 0


def stale(shared, second, count=1):
    """A provider that answers, keeps the connection, and does `second` with what comes next on it; `count` such connections."""
    seen = {}

    def answer(received, connection):
        number = seen[received.connection] = seen.get(received.connection, 0) + 1
        if number == 2 or len(seen) > 1 and count > 1:
            return second(connection)
        connection.sendall(plain(OK))
        return True

    shared.provider.answer = answer


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


@pytest.mark.parametrize("how", [lambda c: False, reset], ids=["closed", "reset"])
def test_a_kept_connection_that_was_dead_is_replaced_once(shared, how):
    stale(shared, how)
    assert shared.call(BODY).status == 200
    response = shared.call(BODY)
    assert response.status == 200 and response.body == OK
    assert [received.connection for received in shared.provider.requests][0:2] == [shared.provider.requests[0].connection] * 2
    assert len(shared.provider.requests) == 3 and len({received.body for received in shared.provider.requests}) == 1
    turn = shared.turn(response.id)
    assert [attempt.get("error") for attempt in turn["tries"]] == ["stale_connection", None]
    assert turn["usage"]["input"] == 1, "billed once"


def test_a_second_dead_connection_is_an_error(shared):
    stale(shared, lambda c: False, count=2)
    assert shared.call(BODY).status == 200
    assert shared.call(BODY).status == 502
    assert len(shared.provider.requests) == 3


def test_a_kept_connection_that_breaks_while_its_server_works_is_not_tried_again(shared):
    stale(shared, lambda c: time.sleep(2.4) or False)
    assert shared.call(BODY).status == 200
    assert shared.call(BODY).status == 502
    assert len(shared.provider.requests) == 2, "what may have been served is not asked for twice"


def test_an_answer_before_the_request_was_read_reaches_the_client(shared):
    """A provider that refuses a large body early: its words come through, and the connection is not used again."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(plain(b'{"error":{"message":"too large"}}', status="413 Content Too Large", headers=["Connection: close"]))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        connection.close()

    threading.Thread(target=serve, daemon=True).start()

    class Other:
        port = listener.getsockname()[1]

    with gateway(provider=Other()) as running:
        response = running.call(b'{"model":"gpt-5.4-mini","x":"' + b"y" * 8_000_000 + b'"}')
        assert response.status == 413 and response.body == b'{"error":{"message":"too large"}}'
    listener.close()


def test_a_compressed_answer_passes_and_is_estimated(shared):
    packed = gzip.compress(OK)
    shared.provider.answer = answering(plain(packed, headers=["Content-Encoding: gzip"]))
    response = shared.call(BODY)
    assert response.body == packed and response["content-encoding"] == "gzip"
    turn = shared.turn(response.id)
    assert turn["usage_source"] == "estimated" and "estimated" in turn["flags"]
    assert shared.provider.requests[-1]["accept-encoding"] == "identity"


def test_a_request_that_is_compressed_is_refused(shared):
    response = shared.call(BODY, headers=["Content-Encoding: zstd"])
    assert response.status == 415 and error(response)["code"] == "unsupported_content_encoding"
    assert shared.call(BODY, headers=["Content-Encoding: identity"]).status == 200


def test_a_client_that_hangs_up_stops_its_provider(shared):
    stopped = []

    def answer(_, connection):
        try:
            connection.sendall(SSE)
            for _ in range(500):
                connection.sendall(CHUNK)
                time.sleep(0.01)
        except OSError:
            stopped.append(time.monotonic())
        return False

    shared.provider.answer = answer
    with shared.client() as client:
        client.send(request(shared.key, STREAM))
        client.reader.until(EVENT)
    left = time.monotonic()
    weirkit.wait_until(lambda: stopped, 5, "the provider's connection to be closed")
    assert stopped[0] - left < 1
    turn = weirkit.wait_until(
        lambda: [t for t in shared.weir.turns() if t["stream"] and t.get("error") == "client_closed"], 10, "the turn"
    )[0]
    assert "cancelled" in turn["flags"] and turn["usage_source"] == "estimated" and turn["usage"]["output"] > 0


def test_a_provider_that_is_not_there(shared):

    class Nobody:
        port = weirkit.free_port()

    with gateway(provider=Nobody()) as running:
        response = running.call(BODY)
        assert response.status == 503 and error(response)["code"] == "upstream_unreachable" and "refused" in error(response)["message"]
        assert str(Nobody.port) not in error(response)["message"], "no inside address is told"
        turn = running.turn(response.id)
        assert turn["usage_source"] == "none" and turn["cost_nano_usd"] == 0
