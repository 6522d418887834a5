"""A stream under an elastic budget that a crash cuts: what is posted is what was granted to it by then, not all that it might have used."""

import http.client
import json

import pytest

from gateway import gateway_with
from test_budgets import key_id

CONFIGURATION = 'budgets:\n  - {name: long, usd: "100", window: day, for: {developer: long}, mode: elastic}\n'
BODY = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "On and on."}], "max_tokens": 100_000, "stream": True}


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(CONFIGURATION) as made:
        yield made


def grants(weir, request_id):
    """What the journal says that the turn may cost, each time it says so."""
    records = [json.loads(line) for line in weir.cli("journal", "inspect", "--data", weir.data).stdout.splitlines()]
    return [record["reserved"] for record in records
            if record.get("id") == request_id and record["kind"] in ("turn.reserved", "turn.progress") and "reserved" in record]


def test_a_crash_posts_what_was_granted(gateway):
    weir, secret = gateway.weir, gateway.weir.key(developer="long")
    whole = weir.json("limit", "explain", "--key", key_id(secret), "--model", BODY["model"], "--bytes", len(json.dumps(BODY)),
                      "--max-output-tokens", BODY["max_tokens"])["reserves_nano_usd"]
    connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps(BODY), {
        "content-type": "application/json", "authorization": f"Bearer {secret}", "x-sim-output-tokens": "64000", "x-sim-chunks": "40000"})
    answer = connection.getresponse()
    request_id = answer.headers["x-weir-request-id"]
    # Some 200 bytes a chunk: about an eighth of the answer.
    assert len(answer.read(1_000_000)) == 1_000_000
    weir.kill()
    weir.start()
    turn = gateway.last_turn()
    granted = grants(weir, request_id)
    assert granted == sorted(granted) and len(granted) >= 3
    assert turn["error"] == "crashed" and turn["cost_nano_usd"] == granted[-1] < whole / 2
    counter = weir.json("budget", "show", "long")["counters"][0]
    assert counter["used"] == granted[-1] and counter["reserved"] == 0
