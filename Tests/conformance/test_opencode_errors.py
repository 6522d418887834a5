"""What OpenCode makes of Weir's refusals: it waits where waiting helps, stops where it does not, and shows the words.

`Fixtures/opencode/refusals.json` holds every refusal that there is (a Swift test keeps it so)."""

import json

import pytest

import weirkit
from gateway import gateway_with
from opencode_client import retries
from opencode_client.wire import BY_NAME, FOLDER, send

REFUSALS = json.loads((FOLDER / "refusals.json").read_text())
FINAL = (retries.STOP, retries.COMPACT)
REASONS = {400: "InvalidRequest", 401: "Authentication", 403: "Authentication", 413: "PayloadTooLarge"}
LIMITS = {"budget_exceeded": "QuotaExceeded", "session_paused": "QuotaExceeded", "rate_limited": "RateLimit"}


def judge(version, status, headers, body, provider="weir"):
    if version == 1:
        return retries.judge_first(status, headers, body, provider)
    verdict, _, words = retries.judge_second(status, headers, body)
    return verdict, words


def name(row):
    return f"{row['error']}-{row['endpoint']}"


@pytest.mark.parametrize("provider", ["weir", "openai"])
@pytest.mark.parametrize("version", (1, 2))
@pytest.mark.parametrize("row", REFUSALS, ids=name)
def test_a_refusal_is_final_or_waits_as_it_is_meant(row, version, provider):
    verdict, words = judge(version, row["status"], row["headers"], row["body"], provider)
    waits = "retry-after" in row["headers"]
    assert (verdict == retries.RETRY) if waits else (verdict in FINAL)
    assert verdict != retries.COMPACT or row["status"] == 413, "only what is too large makes it shorten the conversation"
    assert words == json.loads(row["body"])["error"]["message"]


@pytest.mark.parametrize("row", REFUSALS, ids=name)
def test_no_words_of_a_refusal_are_taken_for_something_else(row):
    _, reason, words = retries.judge_second(row["status"], row["headers"], row["body"])
    if row["error"] in LIMITS:
        assert reason == LIMITS[row["error"]]
    elif "retry-after" in row["headers"]:
        assert reason == "ProviderInternal"
    elif row["error"] not in ("no_provider", "upstream_address_forbidden", "internal"):
        assert reason == REASONS.get(row["status"], "InvalidRequest")
    for trap in (retries.POLICY, retries.QUOTA_TEXT, retries.RATE_TEXT, retries.OVERFLOW_TEXT, retries.FIRST_OVERFLOW):
        assert not retries.says(words, trap)
    assert len(words) <= 240 and words[-1] in ".?"


@pytest.fixture(scope="module")
def gateway():
    dead = f"  - name: dead\n    kind: simulated\n    base_url: http://127.0.0.1:{weirkit.free_port()}\n    models: [dead-model]\n"
    with gateway_with("limits:\n  request_body_bytes_max: 65536\n", providers=dead) as made:
        made.keys = {
            "revoked": made.weir.key(), "narrow": made.weir.key("--model", "o3"),
            "expired": made.weir.key("--expires", "2026-01-01T00:00:00Z")}
        made.weir.cli("key", "revoke", made.keys["revoked"].split("_")[2])
        yield made


CASES = {
    # what is wrong: key, changes of the body, status on chat, verdicts of both versions
    "revoked key": ("revoked", {}, 401, ("stop", "stop")),
    "expired key": ("expired", {}, 401, ("stop", "stop")),
    "model not allowed": ("narrow", {}, 403, ("stop", "stop")),
    "unknown model": (None, {"model": "gtp-5.4-mini"}, 400, ("stop", "stop")),
    "provider down": (None, {"model": "dead-model"}, 503, ("retry", "retry")),
    "too large": (None, {"padding": "x" * 70_000}, 413, ("compact", "stop")),
}


@pytest.mark.parametrize("dialect", ("chat", "messages", "responses"))
@pytest.mark.parametrize("version", (1, 2))
@pytest.mark.parametrize("case", CASES)
def test_what_a_developer_meets(gateway, case, version, dialect):
    key, change, status, verdicts = CASES[case]
    request = BY_NAME[f"v{version}_{dialect}"]
    answer, _ = send(gateway, request, key=gateway.keys.get(key), body={**request.body, **change})
    body = answer.body.decode()
    assert answer.status == status, body
    assert answer.headers["content-type"].startswith("application/json") and "<" not in body[:1]
    for provider in ("weir", "openai"):
        verdict, words = judge(version, answer.status, answer.headers, body, provider)
        assert verdict == verdicts[version - 1]
        assert len(words) > 20
    if verdicts[version - 1] == "retry":
        assert retries.delay_first(1, answer.headers) <= 5


@pytest.mark.parametrize("version", (1, 2))
@pytest.mark.parametrize("status", (400, 401, 429, 500, 529))
def test_a_providers_own_errors_are_judged_as_without_a_gateway(gateway, version, status):
    request = BY_NAME[f"v{version}_messages"]
    fault = f"status:{status};retry-after=7" if status == 429 else f"status:{status}"
    answer, _ = send(gateway, request, headers=[("x-sim-fault", fault)])
    verdict, words = judge(version, answer.status, answer.headers, answer.body.decode())
    assert answer.status == status and words == f"simulated failure with status {status}"
    assert verdict == (retries.STOP if status < 429 else retries.RETRY)
    if status == 429:
        assert retries.delay_first(1, answer.headers) == 7
