"""Memory of long streams: an agent's body is large, and must not stay while its answer streams."""

import http.client
import json
import re

from weirkit import running

STREAMS, BODY_BYTES = 60, 1 << 20


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10


def open_stream(weir, key, content):
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
    body = json.dumps({"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": content}]})
    connection.request("POST", "/v1/chat/completions", body, {
        "Authorization": f"Bearer {key}", "Content-Type": "application/json", "x-sim-chunks": "50", "x-sim-pace-ms": "1000"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.readline().startswith(b"data:")
    return connection, answer


def test_large_bodies_do_not_stay_in_memory_while_their_answers_stream():
    with running() as (weir, _):
        held = [open_stream(weir, weir.first_key, "x" * BODY_BYTES) for _ in range(4)]
        before = resident_bytes(weir.process.pid)
        held += [open_stream(weir, weir.first_key, "x" * BODY_BYTES) for _ in range(STREAMS)]
        grown = resident_bytes(weir.process.pid) - before
        assert grown < STREAMS * BODY_BYTES // 4, f"{STREAMS} streams of {BODY_BYTES} bytes hold {grown} bytes"
        for connection, _ in held:
            connection.close()
