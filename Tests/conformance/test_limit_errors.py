"""Refusals of limits as the SDKs of AWS, Google and Ollama get them: the right exception, after as many requests as it should be. Counted
at Weir's door."""

import json
import pathlib
import ssl
import subprocess
import tempfile

import boto3
import botocore.exceptions
import ollama
import pytest
from google import genai
from google.genai import errors, types

import weirkit
from bedrock_kit import CLAUDE, ENVIRONMENT, PROVIDERS
from gateway import gateway_with

# A client that nobody holds closes its connection under its own pending call.
CLIENTS = []
LIMITS = """budgets:
  - {name: nothing, usd: "0.000001", window: month, for: {developer: broke}, contact: finance@acme.example}
usage_limits:
  - {name: pace, limit: 60, burst: 1, unit: requests, window: per minute, for: {developer: slow}}
"""
OTHERS = """  - name: google
    kind: simulated
    base_url: {simulation}
    dialects: [gemini]
    models: [gemini-3.5-flash]
  - name: ollama
    kind: simulated
    base_url: {simulation}
    dialects: [ollama]
    models: ['qwen3:8b']
    price_provider: openai
prices:
  - {provider: openai, model: 'qwen3:8b', input: "1", output: "1"}
"""


@pytest.fixture(scope="module")
def gateway():
    """Over TLS for botocore, which sends a bearer token over nothing else; the others trust the same certificate."""
    with tempfile.TemporaryDirectory(prefix="weir-tls-") as folder:
        subprocess.run(
            [weirkit.binary(), "init", "--tls", "--tls-name", "localhost", "--data", f"{folder}/made"], check=True, capture_output=True,
            env=weirkit.clean_environment())
        files = pathlib.Path(folder) / "made/tls"
        extra = f"tls:\n  certificate: {files}/tls.crt\n  private_key: {files}/tls.key\n{LIMITS}"
        with gateway_with(extra, PROVIDERS + OTHERS, "    models: [nothing]\n", ENVIRONMENT) as made:
            made.authority = str(files / "ca.crt")
            made.origin = f"https://localhost:{made.weir.port}"
            yield made


def aws(gateway, monkeypatch, key):
    """boto3's client as it comes: nothing said about retries."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    return boto3.session.Session(region_name="us-east-1").client(
        "bedrock-runtime", endpoint_url=gateway.origin, verify=gateway.authority)


def google(gateway, key, **options):
    CLIENTS.append(genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(
        base_url=gateway.origin, client_args={"verify": trust(gateway)}, **options)))
    return CLIENTS[-1]


def from_ollama(gateway, key):
    return ollama.Client(host=gateway.origin, verify=trust(gateway), headers={"authorization": f"Bearer {key}"})


def trust(gateway):
    return ssl.create_default_context(cafile=gateway.authority)


def ask_aws(client, call="converse"):
    messages = [{"role": "user", "content": [{"text": "Once."}]}]
    if call == "converse":
        return client.converse(modelId=CLAUDE, messages=messages, inferenceConfig={"maxTokens": 50})
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": "Once."}]}
    return client.invoke_model(modelId=CLAUDE, body=json.dumps(body))


def refusals(gateway):
    return gateway.counters()["refusals"]


@pytest.mark.parametrize("call", ["converse", "invoke"])
def test_boto3_stops_at_a_spent_budget(gateway, monkeypatch, call):
    client, before = aws(gateway, monkeypatch, gateway.weir.key(developer="broke")), refusals(gateway)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="nothing") as refused:
        ask_aws(client, call)
    assert refusals(gateway) == before + 1
    assert "finance@acme.example" in refused.value.response["Error"]["Message"]
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_boto3_waits_for_a_rate(gateway, monkeypatch):
    client, before = aws(gateway, monkeypatch, gateway.weir.key(developer="slow")), refusals(gateway)
    attempts = 0
    for _ in range(3):
        attempts += ask_aws(client)["ResponseMetadata"]["RetryAttempts"]
    assert attempts == refusals(gateway) - before and attempts >= 1


def test_googles_sdk_stops_at_a_spent_budget_even_where_it_may_retry(gateway):
    before = refusals(gateway)
    client = google(gateway, gateway.weir.key(developer="broke"), retry_options=types.HttpRetryOptions(attempts=3, initial_delay=0.1))
    with pytest.raises(errors.ClientError, match="nothing") as refused:
        client.models.generate_content(model="google/gemini-3.5-flash", contents="Once.")
    assert refusals(gateway) == before + 1
    assert refused.value.code == 402 and refused.value.status == "RESOURCE_EXHAUSTED"
    assert refused.value.details["error"]["details"][0]["reason"] == "budget_exceeded"


def test_googles_sdk_is_told_how_long_to_wait_for_a_rate(gateway):
    key = gateway.weir.key(developer="slow")
    client = google(gateway, key)
    with pytest.raises(errors.ClientError) as refused:
        for _ in range(50):
            client.models.generate_content(model="google/gemini-3.5-flash", contents="Once.")
    assert refused.value.code == 429 and refused.value.status == "RESOURCE_EXHAUSTED"
    waits = [detail["retryDelay"] for detail in refused.value.details["error"]["details"] if "retryDelay" in detail]
    assert len(waits) == 1 and 0 < float(waits[0].removesuffix("s")) <= 60
    # One that may retry waits and gets its answer.
    patient = google(gateway, key, retry_options=types.HttpRetryOptions(attempts=5, initial_delay=1))
    assert patient.models.generate_content(model="google/gemini-3.5-flash", contents="Once.").text


def test_ollamas_client_is_told_in_its_own_shape(gateway):
    spent = from_ollama(gateway, gateway.weir.key(developer="broke"))
    before = refusals(gateway)
    with pytest.raises(ollama.ResponseError, match="Budget \"nothing\"") as refused:
        spent.chat(model="ollama/qwen3:8b", messages=[{"role": "user", "content": "Once."}])
    assert refused.value.status_code == 402 and refusals(gateway) == before + 1
    slow = from_ollama(gateway, gateway.weir.key(developer="slow"))
    with pytest.raises(ollama.ResponseError, match="pace") as refused:
        for _ in range(50):
            slow.chat(model="ollama/qwen3:8b", messages=[{"role": "user", "content": "Once."}])
    assert refused.value.status_code == 429


def test_a_bad_key_is_an_authentication_error_in_each_shape(gateway, monkeypatch):
    wrong = "weir_k_0000000000_wrong"
    client = aws(gateway, monkeypatch, wrong)
    with pytest.raises(client.exceptions.AccessDeniedException) as refused:
        ask_aws(client)
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    with pytest.raises(errors.ClientError) as refused:
        google(gateway, wrong).models.generate_content(model="google/gemini-3.5-flash", contents="Once.")
    assert refused.value.code == 401 and refused.value.status == "UNAUTHENTICATED"
    with pytest.raises(ollama.ResponseError) as refused:
        from_ollama(gateway, wrong).chat(model="ollama/qwen3:8b", messages=[{"role": "user", "content": "Once."}])
    assert refused.value.status_code == 401
