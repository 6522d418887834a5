"""A client that goes in the middle: the turn is settled with what was seen, and the provider stops working, or is read to its
end where it bills in full anyway."""

import http.server
import json
import socket
import threading
import time
import urllib.parse

import pytest

import weirkit
from clients import failure
from gateway import gateway_with
from raw import PATHS, request_body

DIALECTS = ("chat", "responses", "messages")


class SlowProvider(http.server.BaseHTTPRequestHandler):
    """Streams a chunk every 10 ms until somebody hangs up, and remembers that."""

    hung_up = threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        chunk = {"id": "c", "object": "chat.completion.chunk", "model": "slow", "choices": [
            {"index": 0, "delta": {"content": "words "}, "finish_reason": None}]}
        try:
            for _ in range(3000):
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                time.sleep(0.01)
        except OSError:
            self.hung_up.set()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def slow_provider():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowProvider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(slow_provider):
    providers = f"""  - name: draining
    kind: simulated
    base_url: {{simulation}}
    hang_up: drain
    models: [drained-*]
  - name: slow
    kind: openai-compatible
    base_url: http://127.0.0.1:{slow_provider}/v1
    allow_private_addresses: true
    models: [slow]
"""
    prices = "prices:\n  - {provider: slow, model: slow, input: 1, output: 2}\n"
    with gateway_with(providers=providers, extra=prices) as made:
        yield made


def hang_up_after(gateway, dialect, events, model=None, **headers):
    """Reads this many events of a stream and goes."""
    place = urllib.parse.urlsplit(gateway.weir.url)
    body = json.dumps({**request_body(dialect), **({"model": model} if model else {})}).encode()
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((place.hostname, place.port), timeout=10) as client:
        client.sendall(
            f"POST {PATHS[dialect]} HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer {gateway.key}\r\n{fields}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        came = b""
        while came.count(b"data:") < events:
            part = client.recv(65_536)
            assert part, came
            came += part
    return came


def settled(gateway, case):
    return weirkit.wait_until(lambda: gateway.tagged(case), what="the turn's settlement")[0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_cut_by_the_client_is_still_billed(gateway, dialect):
    case = f"cancel-{dialect}"
    hang_up_after(gateway, dialect, 6, x_weir_tag_case=case, x_sim_chunks=400, x_sim_pace_ms=10)
    turn = settled(gateway, case)
    assert (turn["status"], turn["error"]) == (200, "client_closed")
    assert {"cancelled", "estimated"} <= set(turn["flags"]) and "drained" not in turn["flags"]
    assert turn["usage"]["output"] > 0 and turn["cost_nano_usd"] > 0
    assert gateway.read("/status")["active_requests"] == 0


def test_the_provider_is_told_at_once(gateway):
    SlowProvider.hung_up.clear()
    hang_up_after(gateway, "chat", 5, model="slow", x_weir_tag_case="slow")
    assert SlowProvider.hung_up.wait(3)
    turn = settled(gateway, "slow")
    assert turn["deployment"] == "slow/slow" and {"cancelled", "estimated"} <= set(turn["flags"])
    assert turn["cost_nano_usd"] > 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_provider_that_bills_in_full_is_read_to_its_end(gateway, dialect):
    case = f"drain-{dialect}"
    hang_up_after(
        gateway, dialect, 4, model="drained-one", x_weir_tag_case=case, x_sim_chunks=60, x_sim_pace_ms=10,
        x_sim_output_tokens=321)
    turn = settled(gateway, case)
    assert turn["usage_source"] == "provider" and turn["usage"]["output"] == 321
    assert {"cancelled", "drained"} <= set(turn["flags"]) and "estimated" not in turn["flags"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_will_not_wait_for_a_whole_answer_is_billed_by_estimate(gateway, dialect):
    case = f"impatient-{dialect}"
    outcome = failure(
        gateway, dialect, headers={"x-sim-fault": "slow-head:5000", "x-weir-tag-case": case}, timeout=0.5, max_retries=0)
    assert outcome.kind == "APITimeoutError"
    turn = settled(gateway, case)
    assert (turn["status"], turn["error"]) == (499, "client_closed")
    assert {"cancelled", "estimated"} <= set(turn["flags"]) and turn["cost_nano_usd"] > 0


def test_a_revoked_key_cuts_its_open_stream(gateway):
    key = gateway.weir.key()
    stream = gateway.openai(key, {"x-sim-chunks": "2000", "x-sim-pace-ms": "10", "x-weir-tag-case": "revoked"}, max_retries=0)
    chunks = iter(stream.chat.completions.create(
        model="gpt-5.4", messages=[{"role": "user", "content": "Go on"}], stream=True))
    next(chunks), next(chunks)
    started = time.monotonic()
    gateway.weir.cli("key", "revoke", key.split("_")[2])
    with pytest.raises(Exception) as cut:
        for _ in chunks:
            pass
    assert time.monotonic() - started < 5 and "AssertionError" not in repr(cut.value)
    turn = settled(gateway, "revoked")
    assert turn["error"] == "revoked_api_key" and "estimated" in turn["flags"] and turn["cost_nano_usd"] > 0
