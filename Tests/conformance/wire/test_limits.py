"""Each limit of docs/limits.md, set small: what it stops, and the error that says which setting it was."""

import json
import time

import pytest

import weirkit
from rawhttp import Closed, chunk_frame, request, send_pieces
from rawprovider import answer_ok, answering, plain
from test_byte_identity import play
from wirefixtures import ALL
from wiregateway import gateway

BODY = b'{"model":"gpt-5.4-mini","messages":[]}'
STREAM = b'{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":true}}'
SMALL = """
event_loops: 1
limits:
  header_seconds: 1
  body_idle_seconds: 1
  keep_alive_seconds: 3
  request_body_bytes_max: 2048
  header_bytes_max: 2048
  header_fields_max: 12
  first_byte_seconds: 1
  stream_idle_seconds: 1
  connect_seconds: 1
  json_depth_max: 8
  sse_line_bytes_max: 65536
  upstream_connections_per_loop_max: 2
  upstream_waiters_max: 1
  client_connections_max: 6
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
ONE = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)


@pytest.fixture(scope="module")
def small():
    with gateway(SMALL) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(small):
    small.provider.forget()
    small.provider.answer = answer_ok


def error(response):
    return json.loads(response.body)["error"]


def sized(size):
    body = b'{"model":"gpt-5.4-mini","x":"' + b"y" * size
    return body[: size - 2] + b'"}'


@pytest.mark.parametrize("pace", [0, 0.25])
def test_a_header_block_that_does_not_end_in_time(small, pace):
    with small.client() as client:
        began = time.monotonic()
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\n")
        if pace:
            # One field at a time must not put the end off.
            try:
                for number in range(8):
                    client.send(b"X-%d: y\r\n" % number)
                    time.sleep(pace)
            except (BrokenPipeError, ConnectionResetError):
                pass
        response = client.response()
        assert response.status == 408 and error(response)["code"] == "header_timeout"
        assert 0.9 < time.monotonic() - began < 2.5
        assert client.is_closed()


def test_the_second_header_block_of_a_connection_has_the_same_limit(small):
    with small.client() as client:
        client.send(request(small.key, BODY))
        assert client.response().status == 200
        began = time.monotonic()
        client.send(b"POST /v1/chat")
        assert client.response().status == 408
        assert time.monotonic() - began < 2.5


def test_an_idle_connection_is_closed_without_a_word(small):
    with small.client() as client:
        client.send(request(small.key, BODY))
        assert client.response().status == 200
        began = time.monotonic()
        assert client.is_closed(6)
        assert 2.5 < time.monotonic() - began < 5


def test_a_connection_that_never_asks_is_closed(small):
    with small.client() as client:
        assert client.is_closed(4)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_stops_arriving(small, framing):
    with small.client() as client:
        if framing == "length":
            client.send(request(small.key, BODY)[:-5])
        else:
            client.send(request(small.key, length=False, headers=["Transfer-Encoding: chunked"]) + b"5\r\n{")
        response = client.response()
        assert response.status == 408 and error(response)["code"] == "body_timeout"
        assert client.is_closed()
    assert not small.provider.requests


def test_a_body_that_arrives_slowly_is_served(small):
    with small.client() as client:
        data = request(small.key, BODY)
        client.send(data[: -len(BODY)])
        send_pieces(client.socket, [BODY[i : i + 10] for i in range(0, len(BODY), 10)], 0.5)
        assert client.response().status == 200


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_body_over_the_limit(small, framing, path):
    with small.client() as client:
        if framing == "length":
            client.send(request(small.key, path=path, length=False, headers=["Content-Length: 2049"]))
        else:
            client.send(
                request(small.key, path=path, length=False, headers=["Transfer-Encoding: chunked"])
                + chunk_frame([sized(1500), sized(1500)])[:-5]
            )
        response = client.response()
        assert response.status == 413 and "limits.request_body_bytes_max" in error(response)["message"]
        assert response["connection"] == "close" and response["x-should-retry"] == "false"
        assert client.is_closed()
    assert not small.provider.requests


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_at_the_limit_is_served(small, framing):
    body = sized(2048)
    with small.client() as client:
        if framing == "length":
            client.send(request(small.key, body))
        else:
            client.send(request(small.key, length=False, headers=["Transfer-Encoding: chunked"]) + chunk_frame([body[:1000], body[1000:]]))
        assert client.response().status == 200
    assert small.provider.wait_for(1)[0].body == body


def test_a_header_block_over_the_limits(small):
    for lines in (["X-A: " + "y" * 2100], [f"X-{i}: y" for i in range(10)]):
        response = small.call(BODY, headers=lines)
        assert response.status == 431 and response["connection"] == "close"
    assert not small.provider.requests


def test_json_deeper_than_the_limit(small):
    nested = b'{"model":"gpt-5.4-mini","x":' + b"[" * 7 + b"]" * 7 + b"}"
    assert small.call(nested).status == 200
    response = small.call(nested.replace(b"[]", b"[[]]"))
    assert response.status == 400 and "limits.json_depth_max" in error(response)["message"]


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_an_event_over_the_limit_passes_unread_and_the_next_is_read(small, framing):
    fixture = next(fixture for fixture in ALL if fixture.case == "long_line")
    small.provider.answer = play(fixture, framing, 1)
    response = small.call(fixture.request)
    assert response.body == fixture.seen_by_client
    turn = small.turn(response.id)
    assert turn["usage"]["output"] == fixture.expected["usage"]["output"] and turn["finish_reason"] == "stop"


def test_a_provider_that_does_not_begin_to_answer(small):
    small.provider.answer = lambda _, connection: time.sleep(3)
    began = time.monotonic()
    response = small.call(BODY)
    assert response.status == 504 and error(response)["code"] == "upstream_timeout" and response["retry-after"]
    assert 0.9 < time.monotonic() - began < 2.5
    turn = small.turn(response.id)
    assert turn["error"] == "upstream_timeout" and turn["usage_source"] == "estimated", "the provider may have served it"


def test_a_provider_that_stops_inside_its_head(small):
    def answer(_, connection):
        connection.sendall(HEAD[:40])
        time.sleep(3)

    small.provider.answer = answer
    assert small.call(BODY).status == 504


def test_a_stream_that_stops_is_cut_so_that_it_looks_cut(small):
    def answer(_, connection):
        connection.sendall(HEAD + ONE * 3)
        time.sleep(3)

    small.provider.answer = answer
    with small.client() as client:
        client.send(request(small.key, STREAM))
        with pytest.raises((Closed, ConnectionResetError)):
            client.response()
    turn = weir_turn(small)
    assert turn["error"] == "upstream_truncated" and "truncated" in turn["flags"] and turn["usage"]["output"] > 0


def weir_turn(small):
    return weirkit.wait_until(
        lambda: next((t for t in small.weir.turns() if t["stream"] and t.get("error") == "upstream_truncated"), None), 10, "the cut turn"
    )


def test_a_stream_that_pauses_is_not_cut(small):
    small.provider.answer = answering([HEAD, *[ONE] * 4, b"0\r\n\r\n"], pause=0.6)
    assert small.call(STREAM).body == EVENT * 4


def test_connections_to_a_provider_are_bounded_and_so_are_those_who_wait(small):
    small.provider.answer = lambda _, connection: time.sleep(0.5) or connection.sendall(plain(b"{}")) or True
    clients = [small.client() for _ in range(4)]
    for client in clients:
        client.send(request(small.key, BODY))
        time.sleep(0.05)
    busy = clients[3].response()
    assert busy.status == 503 and error(busy)["code"] == "upstream_busy" and busy["retry-after"] == "1"
    assert [client.response().status for client in clients[:3]] == [200, 200, 200], "the waiter gets the first free connection"
    assert len({received.connection for received in small.provider.requests}) <= 2
    assert small.turn(busy.id)["usage_source"] == "none"
    for client in clients:
        client.close()


def test_connections_of_clients_are_bounded(small):
    time.sleep(0.3)
    clients = [small.client() for _ in range(7)]
    try:
        refused = clients[6].response()
        assert refused.status == 503 and error(refused)["code"] == "too_many_connections" and refused["connection"] == "close"
        assert clients[6].is_closed()
        clients[0].send(request(small.key, BODY))
        assert clients[0].response().status == 200
    finally:
        for client in clients:
            client.close()
    time.sleep(0.3)
    assert small.call(BODY).status == 200


def test_no_limit_has_leaked_a_connection_or_a_request(small):
    """After everything above, the gateway still has all its places."""
    small.provider.answer = answer_ok
    time.sleep(1.2)
    clients = [small.client() for _ in range(6)]
    for client in clients:
        client.send(request(small.key, BODY))
    assert [client.response().status for client in clients].count(200) >= 3
    for client in clients:
        client.close()
