"""Memory: pages that only a start needs are given back, and an agent's body, which is large, does not stay while its answer streams."""

import http.client
import json
import re

from weirkit import running, wait_until

STREAMS, BODY_BYTES = 60, 1 << 20


def resident_bytes(pid, what="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(rf"{what}:\s+(\d+) kB", status.read()).group(1)) << 10


def open_stream(weir, key, content):
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
    body = json.dumps({"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": content}]})
    connection.request("POST", "/v1/chat/completions", body, {
        "Authorization": f"Bearer {key}", "Content-Type": "application/json", "x-sim-chunks": "50", "x-sim-pace-ms": "1000"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.readline().startswith(b"data:")
    return connection, answer


def test_what_only_a_start_needs_is_given_back():
    with running() as (weir, _):
        # Nothing has been asked yet: what is resident was twice as much a moment ago.
        wait_until(lambda: resident_bytes(weir.process.pid) < resident_bytes(weir.process.pid, "VmHWM") * 3 // 4, 10, "less memory")
        connection, _ = open_stream(weir, weir.first_key, "It works as before.")
        connection.close()


def test_large_bodies_do_not_stay_in_memory_while_their_answers_stream():
    with running() as (weir, _):
        held = [open_stream(weir, weir.first_key, "x" * BODY_BYTES) for _ in range(4)]
        before = resident_bytes(weir.process.pid)
        held += [open_stream(weir, weir.first_key, "x" * BODY_BYTES) for _ in range(STREAMS)]
        grown = resident_bytes(weir.process.pid) - before
        assert grown < STREAMS * BODY_BYTES // 4, f"{STREAMS} streams of {BODY_BYTES} bytes hold {grown} bytes"
        for connection, _ in held:
            connection.close()
