"""TLS to the provider is verified (chain and name) and TLS from the client works; bytes are the same bytes through either."""

import json
import pathlib
import socket
import ssl
import subprocess
import tempfile

import pytest

import weirkit
from rawhttp import Client, Closed, request
from rawprovider import OK, Provider, answer_ok, answering
from test_byte_identity import play
from wirefixtures import ALL
from wiregateway import gateway

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
BODY = b'{"model":"gpt-5.4-mini","messages":[]}'


@pytest.fixture(scope="module")
def certificates():
    with tempfile.TemporaryDirectory() as folder:

        def make(name, **subject):
            (pathlib.Path(folder) / name).mkdir()
            return weirkit.make_certificate(pathlib.Path(folder) / name, **subject)

        yield {"good": make("good"), "other": make("other"), "misnamed": make("misnamed", names=("other.test",), addresses=("127.0.0.9",))}


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@pytest.fixture(scope="module")
def tls_provider(certificates):
    context = server_context(certificates["good"])
    seen = []
    context.sni_callback = lambda connection, name, _: seen.append((name, connection.version()))
    provider = Provider(tls=context)
    provider.server_names = seen
    yield provider
    provider.close()


def refusal(running):
    response = running.call(BODY)
    error = json.loads(response.body)["error"]
    assert response.status == 503 and error["code"] == "upstream_unreachable", response.body
    assert running.provider.requests == [], "the credential never left"
    assert running.turn(response.id)["usage_source"] == "none"
    return error["message"]


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_provider):
    tls_provider.forget()
    with gateway(provider=tls_provider, scheme="https") as running:
        assert "trust" in refusal(running)


def test_other_roots_do_not_vouch_for_it(tls_provider, certificates):
    tls_provider.forget()
    with gateway(provider=tls_provider, scheme="https", host="localhost", trust=certificates["other"][0]) as running:
        refusal(running)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_trust_roots_vouch_and_the_name_is_sent(tls_provider, certificates, host):
    tls_provider.forget()
    tls_provider.answer = answer_ok
    tls_provider.server_names.clear()
    with gateway(provider=tls_provider, scheme="https", host=host, trust=certificates["good"][0]) as running:
        assert running.call(BODY).body == OK
    assert tls_provider.requests[0]["host"] == f"{host}:{tls_provider.port}"
    assert tls_provider.server_names[0][0] == (host if host == "localhost" else None), "no address stands in SNI (RFC 6066)"


def test_a_connection_is_ready_before_the_next_request_needs_one(tls_provider, certificates):
    tls_provider.forget()
    tls_provider.answer = answer_ok
    tls_provider.server_names.clear()
    with gateway("event_loops: 1\n", provider=tls_provider, scheme="https", host="localhost", trust=certificates["good"][0]) as running:
        assert running.call(BODY).body == OK
        # The handshake that nobody waits for; and no third one, for as long as one connection is free.
        weirkit.wait_until(lambda: len(tls_provider.server_names) == 2, what="a connection that is opened ahead")
        for _ in range(3):
            assert running.call(BODY).body == OK
    assert len(tls_provider.server_names) == 2


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_certificate_of_another_name_is_refused(certificates, host):
    provider = Provider(tls=server_context(certificates["misnamed"]))
    with gateway(provider=provider, scheme="https", host=host, trust=certificates["misnamed"][0]) as running:
        refusal(running)
    provider.close()


def test_a_provider_that_speaks_only_old_tls_is_refused(certificates):
    context = server_context(certificates["good"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    provider = Provider(tls=context)
    with gateway(provider=provider, scheme="https", host="localhost", trust=certificates["good"][0]) as running:
        refusal(running)
    provider.close()


def test_a_provider_that_speaks_no_tls_is_refused(certificates):
    provider = Provider()
    with gateway(
        "limits:\n  connect_seconds: 1\n", provider=provider, scheme="https", host="localhost", trust=certificates["good"][0]
    ) as running:
        refusal(running)
    provider.close()


def test_trust_roots_that_cannot_be_read_are_named(tls_provider):
    tls_provider.forget()
    with gateway(provider=tls_provider, scheme="https", host="localhost", trust="/nowhere/roots.pem") as running:
        assert "trust_roots" in refusal(running)


@pytest.fixture(scope="module")
def both(tls_provider, certificates):
    """TLS on both sides."""
    certificate, private_key = certificates["good"]
    extra = f"tls:\n  certificate: {certificate}\n  private_key: {private_key}\n"
    with gateway(extra, provider=tls_provider, scheme="https", host="localhost", trust=certificate) as running:
        yield running


def client_context(certificates):
    context = ssl.create_default_context(cafile=str(certificates["good"][0]))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def test_fixtures_pass_unchanged_through_tls_on_both_sides(both, certificates):
    with both.client(tls=client_context(certificates)) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1" and client.socket.version() == "TLSv1.3"
        for number, fixture in enumerate(ALL[::3]):
            for framing in ("chunked", "length"):
                both.provider.forget()
                both.provider.answer = play(fixture, framing, number)
                client.send(request(both.key, fixture.request, fixture.expected["path"]))
                assert client.response().body == fixture.seen_by_client, (repr(fixture), framing)


def test_a_large_body_passes_unchanged_through_tls(both, certificates):
    both.provider.answer = answer_ok
    both.provider.forget()
    body = b'{"model":"gpt-5.4-mini","x":"' + b"y" * 5_000_000 + b'"}'
    with both.client(tls=client_context(certificates)) as client:
        client.send(request(both.key, body))
        assert client.response().body == OK
    assert both.provider.wait_for(1)[0].body == body


def test_a_stream_whose_tls_is_cut_without_a_goodbye_is_broken(both, certificates):
    """A body that ends with its connection is whole only if TLS says so (RFC 8446, section 6.1)."""

    def answer(_, connection):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"cut here"}}]}\n\n'
        )
        socket.socket(fileno=connection.detach()).close()
        return False

    both.provider.answer = answer
    with both.client(tls=client_context(certificates)) as client:
        client.send(request(both.key, b'{"model":"gpt-5.4-mini","stream":true}'))
        with pytest.raises((Closed, ConnectionResetError, ssl.SSLError)):
            client.response()
    turn = weirkit.wait_until(lambda: [t for t in both.weir.turns() if t.get("error") == "upstream_truncated"], 10, "the turn")[0]
    assert "truncated" in turn["flags"]


def test_a_stream_that_ends_with_its_tls_is_whole(both, certificates):
    def answer(_, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n")
        connection.unwrap()
        return False

    both.provider.answer = answer
    with both.client(tls=client_context(certificates)) as client:
        client.send(request(both.key, b'{"model":"gpt-5.4-mini","stream":true}'))
        assert client.response().body == b"data: [DONE]\n\n"


def test_the_listener_speaks_no_old_tls_and_no_plain_text(both, certificates):
    old = client_context(certificates)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        both.client(tls=old)
    with Client(both.port) as client:
        client.send(request(both.key, BODY))
        with pytest.raises((Closed, ConnectionResetError)):
            client.response()


def test_an_answer_to_a_closing_tls_client_arrives_whole(both, certificates):
    both.provider.answer = answering(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 800000\r\n\r\n" + b"z" * 800_000
    )
    with both.client(tls=client_context(certificates), receive_buffer=8192) as client:
        client.send(request(both.key, BODY, headers=["Connection: close"]))
        assert client.response().body == b"z" * 800_000


def test_a_missing_key_file_stops_the_start_with_a_word(tmp_path, certificates):
    path = tmp_path / "weir.yaml"
    path.write_text(f"tls:\n  certificate: {certificates['good'][0]}\n  private_key: /nowhere/key.pem\n")
    done = subprocess.run(
        [weirkit.binary(), "serve", "--config", str(path), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
        env=weirkit.clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1 and "key" in (done.stdout + done.stderr)
