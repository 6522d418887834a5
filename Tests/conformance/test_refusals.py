"""What Weir itself refuses: the status, the SDK's error class, readable words with a mend, and one request, not three."""

import json
import subprocess
import urllib.error
import urllib.request

import openai
import pytest

import weirkit
from clients import CHAT, DIALECTS, MESSAGES, MODELS, RESPONSES, call, failure
from gateway import gateway_with
from scripted import KeptClient

CLASSES = {400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError"}


@pytest.fixture(scope="module")
def gateway():
    twins = "    models: [gpt-5.4-mini, claude-opus-5-5, twin-model]\n"
    other = "  - name: other\n    kind: simulated\n    base_url: {simulation}\n    models: [twin-model]\n"
    with gateway_with(provider_settings=twins, providers=other) as made:
        yield made


@pytest.fixture(scope="module")
def strict():
    """One that wants labels and small bodies."""
    with gateway_with("limits:\n  request_body_bytes_max: 4096\nrequire_labels: [repository]\n") as made:
        yield made


def refused(gateway, dialect, status, words, code=None, **options):
    """Makes the call and holds its refusal against what was expected."""
    before, served = gateway.counters()["requests"], len(gateway.simulation.requests())
    outcome = failure(gateway, dialect, **options)
    assert gateway.counters()["requests"] - before == 1, "one request, no retry"
    assert len(gateway.simulation.requests()) == served, "nothing reached the provider"
    assert outcome.status == status, outcome.error
    assert outcome.kind == CLASSES.get(status, outcome.kind)
    assert words in outcome.message and 20 <= len(outcome.message) <= 240
    assert outcome.headers["x-should-retry"] == "false"
    assert outcome.headers["request-id"] and outcome.headers["x-request-id"]
    if dialect != MESSAGES and code:
        assert outcome.code == code
    return outcome


def foreign_key(folder):
    """A well-formed key that this gateway never made."""
    made = subprocess.run(
        [weirkit.binary(), "init", "--data", str(folder)], env=weirkit.clean_environment(), capture_output=True, text=True)
    return made.stdout.strip()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_malformed_key(gateway, dialect):
    refused(gateway, dialect, 401, "weir_k_", "invalid_api_key", key="sk-nonsense")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_unknown_key(gateway, dialect, tmp_path):
    outcome = refused(gateway, dialect, 401, "weir key list", "invalid_api_key", key=foreign_key(tmp_path))
    if dialect == MESSAGES:
        assert outcome.type == "authentication_error"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_revoked_key(gateway, dialect):
    key = gateway.weir.key()
    gateway.weir.cli("key", "revoke", key.split("_")[2])
    refused(gateway, dialect, 401, "is revoked", "revoked_api_key", key=key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_expired_key(gateway, dialect):
    key = gateway.weir.key("--expires", "2026-01-01T00:00:00Z")
    refused(gateway, dialect, 401, "weir key rotate", "expired_api_key", key=key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_key_whose_time_has_not_come(gateway, dialect):
    key = gateway.weir.key("--not-before", "2h")
    refused(gateway, dialect, 401, "not valid yet", "api_key_not_yet_valid", key=key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_that_the_key_may_not_use(gateway, dialect):
    key = gateway.weir.key("--model", "gpt-4*", "--model", "o3")
    outcome = refused(gateway, dialect, 403, "It may use: gpt-4*, o3", "model_not_allowed", key=key)
    if dialect == MESSAGES:
        assert outcome.type == "permission_error"
    turn = gateway.last_turn()
    assert (turn["status"], turn["error"], turn["cost_nano_usd"]) == (403, "model_not_allowed", 0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_unknown_model_with_its_near_neighbour(gateway, dialect):
    # A 404 makes Claude Code put its own words in the place of ours.
    status = 400 if dialect == MESSAGES else 404
    near = MODELS[dialect][:-1] + "9"
    refused(gateway, dialect, status, f"Did you mean {MODELS[dialect]}?", "model_not_found", model=near)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_model_of_two_providers(gateway, dialect):
    refused(gateway, dialect, 400, "simulated/twin-model, other/twin-model", "ambiguous_model", model="twin-model")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_endpoint_that_the_key_may_not_call(gateway, dialect):
    key = gateway.weir.key("--endpoint", "embeddings")
    refused(gateway, dialect, 403, "weir key update", "endpoint_not_allowed", key=key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_network_that_the_key_may_not_come_from(gateway, dialect):
    key = gateway.weir.key("--network", "10.0.0.0/8", "--network", "fd00::/8")
    refused(gateway, dialect, 403, "127.0.0.1", "address_not_allowed", key=key)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("headers", [{"x-weir-repo": "github.com/acme/other"}, {}, {"x-weir-repo": "not a name"}])
def test_a_repository_other_than_the_keys(gateway, dialect, headers):
    key = gateway.weir.key("--repository", "github.com/acme/shop", "--enforce-repository")
    if headers:
        refused(gateway, dialect, 403, "github.com/acme/shop", "repository_not_allowed", key=key, headers=headers)
    else:
        # Who says nothing is taken at the key's word.
        call(gateway, dialect, key=key)
        assert gateway.last_turn()["repository"] == {"value": "github.com/acme/shop", "source": "key"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_label_that_is_required(strict, dialect):
    refused(strict, dialect, 403, "x-weir-repo", "missing_label")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_over_the_limit(strict, dialect):
    outcome = refused(
        strict, dialect, 413, "limits.request_body_bytes_max", "request_too_large", text="x" * 5000,
        headers={"x-weir-repo": "github.com/acme/shop"})
    if dialect == MESSAGES:
        assert outcome.type == "request_too_large"


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_a_body_far_over_the_default_limit_is_refused_in_words_not_by_a_reset(gateway, dialect):
    outcome = refused(gateway, dialect, 413, "33554432", "request_too_large", text="x" * (40 << 20))
    assert outcome.status == 413


def test_a_refusal_is_in_the_ledger_with_its_labels(gateway):
    key = gateway.weir.key("--repository", "github.com/acme/shop", "--enforce-repository", "--model", "gpt-5*")
    labels = {"x-weir-session": "refused", "x-weir-branch": "main", "x-weir-repo": "github.com/acme/other"}
    for model, code in ((MODELS[CHAT], "repository_not_allowed"), ("o3", "model_not_found"), ("twin-model", "ambiguous_model")):
        failure(gateway, CHAT, key=key, model=model, headers=labels)
        turn = gateway.last_turn()
        assert (turn["error"], turn["model_asked"], turn["cost_nano_usd"]) == (code, model, 0)
        assert [turn[name]["value"] for name in ("session", "branch", "repository")] == ["refused", "main", "github.com/acme/other"]
        assert turn["client"] == "openai-python"
        listed = gateway.weir.json("turn", "list", "--key", turn["key_id"], "--repository", "github.com/acme/other")["data"]
        assert listed[0] == turn
        if code == "model_not_found":
            assert gateway.weir.json("turn", "list", "--key", turn["key_id"], "--model", model)["data"] == [turn]


def test_two_different_keys(gateway):
    other = gateway.weir.key()
    refused(gateway, MESSAGES, 401, "Two different keys", headers={"x-api-key": other})


def test_no_key_at_all(gateway):
    request = urllib.request.Request(f"{gateway.weir.url}/v1/chat/completions", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 401 and "Authorization: Bearer" in json.load(refusal.value)["error"]["message"]


EXPECTS = {"Expect": "100-continue"}


@pytest.mark.parametrize("sends", [False, True], ids=["waiting", "sending"])
def test_a_client_that_waits_to_be_asked_for_its_body_is_refused_at_once(gateway, sends):
    client = KeptClient(gateway, timeout=5)
    body = b"{" + b" " * 300_000 + b"}"
    client.send_head(len(body), key="weir_k_nonsense", **EXPECTS)
    if sends:
        # As a client may that does not wait for long.
        client.socket.sendall(body)
    refusal = client.read()
    assert refusal.status == 401 and json.loads(refusal.body)["error"]["code"] == "invalid_api_key"
    assert refusal.headers["connection"] == "close" and client.is_closed()
    client.close()


def test_a_client_that_waits_to_be_asked_and_is_not_refused_is_asked(gateway):
    client = KeptClient(gateway, timeout=5)
    body = json.dumps({"model": MODELS[CHAT], "messages": [{"role": "user", "content": "hello"}]}).encode()
    client.send_head(len(body), **EXPECTS)
    assert client.read().status == 100
    client.socket.sendall(body)
    assert client.read().status == 200
    # A body of no bytes needs no word, and its refusal keeps the connection.
    client.send_head(0, key="weir_k_nonsense", **EXPECTS)
    refusal = client.read()
    assert refusal.status == 401 and "connection" not in refusal.headers
    assert client.ask(MODELS[CHAT]).status == 200
    client.close()


def test_codex_gets_a_400_where_it_would_retry_a_403(gateway):
    key = gateway.weir.key("--model", "o3")
    headers = {"originator": "codex_exec"}
    refused(gateway, RESPONSES, 400, "It may use: o3", "model_not_allowed", key=key, headers=headers)
    refused(gateway, RESPONSES, 400, "No provider serves", "model_not_found", model="nobody-has-this", headers=headers)


@pytest.mark.parametrize("ask", [
    lambda client: client.images.generate(model="gpt-5.4-mini", prompt="A cat"),
    lambda client: client.moderations.create(input="words"), lambda client: client.files.list(),
    lambda client: client.batches.list(), lambda client: client.fine_tuning.jobs.list()],
    ids=["images", "moderations", "files", "batches", "fine-tuning"])
def test_an_endpoint_that_weir_does_not_serve(gateway, ask):
    before, served = gateway.counters()["requests"], len(gateway.simulation.requests())
    with pytest.raises(openai.NotFoundError, match="Weir does not serve") as refusal:
        ask(gateway.openai())
    assert refusal.value.code == "unknown_path"
    assert gateway.counters()["requests"] - before == 1 and len(gateway.simulation.requests()) == served
