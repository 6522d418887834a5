"""Answers whose framing is not the usual one: what the client gets on its kept connection says where it ends, and so does the next."""

import json

import pytest

from gateway import gateway_with
from scripted import WHOLE, KeptClient, ScriptedProvider, answer

# More than is held of an answer while something else could still be tried.
PAGE = json.dumps({"error": {"message": "x" * 1_500_000}}).encode()


def plain(connection):
    connection.sendall(answer())
    return True


def large_error_until_close(connection):
    connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n\r\n" + PAGE)


def large_error_of_a_length(connection):
    connection.sendall(answer(PAGE, "500 Oops"))
    return True


def large_error_in_chunks(connection):
    head = b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + f"{len(PAGE):x}\r\n".encode() + PAGE + b"\r\n0\r\n\r\n")
    return True


def nothing(connection):
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    return True


def nothing_of_a_stream(connection):
    connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Type: text/event-stream\r\n\r\n")
    return True


def not_modified(connection):
    connection.sendall(b"HTTP/1.1 304 Not Modified\r\nContent-Type: application/json\r\n\r\n")
    return True


LARGE = (large_error_until_close, large_error_of_a_length, large_error_in_chunks)
BARE = (nothing, nothing_of_a_stream, not_modified)
SCRIPTS = {script.__name__: script for script in (plain, *LARGE, *BARE)}


@pytest.fixture(scope="module")
def gateway():
    provider = ScriptedProvider(SCRIPTS)
    providers, prices = provider.configuration(more="    dialects: [openai_chat]\n")
    routes = "routes:\n" + "".join(
        f"  - {{model: route-{name}, deployments: [scripted/{name}], retries_max: 0}}\n" for name in SCRIPTS)
    with gateway_with(providers=providers, extra=prices + routes) as made:
        yield made
    provider.close()


@pytest.fixture
def client(gateway):
    made = KeptClient(gateway)
    yield made
    # Whatever stands behind an answer is read as the beginning of the next.
    assert made.ask("plain").body == WHOLE
    made.close()


@pytest.mark.parametrize("script", LARGE, ids=lambda script: script.__name__)
def test_a_large_error_on_a_route_ends_where_its_framing_says(client, script):
    got = client.ask(f"route-{script.__name__}")
    assert got.status == 500 and got.body == PAGE


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("script", BARE, ids=lambda script: script.__name__)
def test_an_answer_without_a_body_is_an_error_in_another_dialect(gateway, client, script, streams):
    case = f"{script.__name__}-{streams}"
    got = client.ask(script.__name__, "messages", case, stream=streams, max_tokens=50)
    assert got.status == 502 and int(got.headers["content-length"]) == len(got.body)
    error = json.loads(got.body)
    assert error["type"] == "error" and "no content to translate" in error["error"]["message"]
    turn = gateway.tagged(case)[0]
    assert (turn["status"], turn["error"]) == (502, "upstream_malformed") and "translated" in turn["flags"]


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("script", BARE, ids=lambda script: script.__name__)
def test_an_answer_without_a_body_stays_one_in_its_own_dialect(client, script, streams):
    got = client.ask(script.__name__, stream=streams)
    assert got.status == (304 if script is not_modified else 204) and got.body == b""
    assert "transfer-encoding" not in got.headers
