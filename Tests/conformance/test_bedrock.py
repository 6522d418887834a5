"""AWS Bedrock on both sides: the official SDKs on Bedrock's models, and boto3 on Bedrock's and on everybody else's. Signatures and event
streams are held against botocore."""

import http.client
import json
import pathlib
import subprocess
import tempfile

import anthropic
import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.eventstream
import botocore.exceptions
import openai
import pytest

import weirkit
from bedrock_kit import ARN, CLAUDE, ENVIRONMENT, MODELS, NOVA, PROVIDERS, SCRIPTED, SECRET
from clients import CHAT, DIALECTS, MESSAGES, RESPONSES
from gateway import gateway_with
from test_translation import ASK, SCHEMA, Conversation

@pytest.fixture(scope="module")
def gateway():
    with gateway_with(provider_settings="    models: [nothing]\n", providers=PROVIDERS, environment=ENVIRONMENT) as made:
        yield made


@pytest.fixture(scope="module")
def secure():
    """The same over TLS, by a certificate of `weir init --tls`: botocore sends a bearer token over nothing else."""
    with tempfile.TemporaryDirectory(prefix="weir-tls-") as folder:
        subprocess.run(
            [weirkit.binary(), "init", "--tls", "--tls-name", "weir.test", "--tls-name", "10.1.2.3", "--data", f"{folder}/made"],
            check=True, capture_output=True, env=weirkit.clean_environment())
        files = pathlib.Path(folder) / "made/tls"
        extra = f"tls:\n  certificate: {files}/tls.crt\n  private_key: {files}/tls.key\n"
        with gateway_with(
                extra=extra, provider_settings="    models: [nothing]\n", providers=PROVIDERS, environment=ENVIRONMENT) as made:
            made.authority = str(files / "ca.crt")
            yield made


def runtime(gateway, monkeypatch, token=None, access=None, retries=0, headers=None):
    """boto3's client of bedrock-runtime, as somebody configures it who only knows AWS."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if access:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", access[1])
    else:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", token or gateway.key)
    client = boto3.session.Session(region_name="us-east-1").client(
        "bedrock-runtime", endpoint_url=f"https://localhost:{gateway.weir.port}", verify=gateway.authority,
        config=botocore.config.Config(retries={"max_attempts": retries, "mode": "standard"}))
    if headers:
        client.meta.events.register("before-sign.bedrock-runtime.*", lambda request, **_: [
            request.headers.__setitem__(name, value) for name, value in headers.items()])
    return client


def last_request(gateway):
    request = gateway.simulation.requests()[-1]
    return request, {name.lower(): value for name, value in request["headers"]}


# The official SDKs on Bedrock's models


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_loop_of_tools_on_bedrock(gateway, client, model, streams):
    conversation = Conversation(gateway, client, f"bedrock/{model}", streams)
    rounds = 0
    while True:
        text, calls, _ = conversation.turn()
        rounds += 1
        turn = gateway.last_turn()
        assert turn["deployment"] == f"bedrock/{model}" and "translated" in turn["flags"]
        assert turn["usage_source"] == "provider" and turn.get("error") is None
        # Nobody lists what a cache write of Nova's costs, and unknown is not free.
        assert turn["cost_nano_usd"] > 0 if model == CLAUDE else "unpriced" in turn["flags"]
        seen = turn["usage"]
        read = sum(seen.get(name, 0) for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h"))
        assert conversation.usage == (read, seen["output"])
        if not calls:
            break
        assert [(name, arguments) for _, name, arguments in calls] == [("get_weather", {"city": "Paris"})] * len(calls)
    assert rounds == 3 and text.startswith("After 2 tool results: the task is done.")
    request, headers = last_request(gateway)
    assert headers["authorization"] == "Bearer bedrock-api-key-1" and gateway.key not in json.dumps(request)
    # Claude's own dialect goes in Bedrock's envelope; everybody else's becomes Converse.
    operation = "invoke" if client == MESSAGES and model == CLAUDE else "converse"
    suffix = {"invoke": "-with-response-stream", "converse": "-stream"}[operation] if streams else ""
    assert request["path"] == f"/model/{model}/{operation}{suffix}"
    assert json.dumps(gateway.sent()).count("18 degrees") == 2


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", DIALECTS)
def test_signed_thinking_survives_a_loop_on_bedrock(gateway, client, streams):
    conversation = Conversation(gateway, client, f"bedrock/{CLAUDE}", streams)
    options = {CHAT: {"reasoning_effort": "high"}, RESPONSES: {"reasoning": {"effort": "high"}},
               MESSAGES: {"thinking": {"type": "adaptive"}}}[client]
    while conversation.turn(**options)[1]:
        pass
    sent = gateway.sent()
    thoughts = [block for message in sent["messages"] if message["role"] == "assistant" for block in message["content"]
                if block.get("type") == "thinking" or "reasoningContent" in block]
    assert len(thoughts) == 2
    for thought in thoughts:
        signature = thought["signature"] if client == MESSAGES else thought["reasoningContent"]["reasoningText"]["signature"]
        assert signature.startswith("c2ltdWxhdGVk")


@pytest.mark.parametrize("client", DIALECTS)
def test_parallel_tools_of_bedrock_arrive_apart(gateway, client):
    conversation = Conversation(gateway, client, SCRIPTED, True, **{"x-sim-parallel-tools": "2"})
    _, calls, _ = conversation.turn()
    assert len({call[0] for call in calls}) == len(calls) == 2


@pytest.mark.parametrize("client", DIALECTS)
def test_a_refusal_of_bedrocks_keeps_its_words_and_status(gateway, client):
    conversation = Conversation(gateway, client, SCRIPTED, False, **{"x-sim-fault": "status:429"})
    conversation.client.max_retries = 0
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError), match="simulated failure"):
        conversation.turn()
    assert gateway.last_turn()["status"] == 429


@pytest.mark.parametrize("fault", ["cut:3", "error-event:3", "garbage:3"])
@pytest.mark.parametrize("client", DIALECTS)
def test_a_stream_of_bedrocks_that_breaks_is_no_whole_answer(gateway, client, fault):
    conversation = Conversation(gateway, client, SCRIPTED, True, **{"x-sim-fault": fault})
    conversation.client.max_retries = 0
    with pytest.raises(Exception):
        conversation.turn()
    expected = "upstream_truncated" if fault.startswith("cut") else "upstream_stream_error"
    assert gateway.last_turn().get("error") == expected


def test_what_claude_takes_is_not_lost_on_its_way_to_bedrock(gateway):
    raw = gateway.anthropic(headers={"anthropic-beta": "context-management-2025-06-27,oauth-2025-04-20"}).messages.with_raw_response.create(
        model=f"bedrock/{CLAUDE}", max_tokens=400, messages=[{"role": "user", "content": ASK}],
        extra_body={"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}, "future_member": [1]})
    sent = gateway.sent()
    assert sent["anthropic_version"] == "bedrock-2023-05-31" and sent["anthropic_beta"] == ["context-management-2025-06-27"]
    assert sent["context_management"] and sent["future_member"] == [1] and "model" not in sent
    assert raw.headers["x-weir-dropped"] == "anthropic-beta:oauth-2025-04-20"
    assert raw.parse().content[0].text


def test_a_model_that_nobody_priced_is_unpriced_and_not_free(gateway):
    gateway.openai().chat.completions.create(model="bedrock/meta.llama9-1b-v1:0", messages=[{"role": "user", "content": ASK}])
    assert "unpriced" in gateway.last_turn()["flags"]
    assert last_request(gateway)[0]["path"] == "/model/meta.llama9-1b-v1%3A0/converse"


# Signatures


@pytest.mark.parametrize("model", [ARN, "signed.claude-haiku-4-5-20251001-v1:0"])
@pytest.mark.parametrize("client", [CHAT, MESSAGES, "boto3"])
def test_signed_requests_are_what_botocore_would_sign(gateway, secure, monkeypatch, client, model):
    if client == "boto3":
        gateway = secure
        runtime(gateway, monkeypatch).converse(modelId=f"signed/{model}", messages=[{"role": "user", "content": [{"text": ASK}]}])
    else:
        Conversation(gateway, client, f"signed/{model}", False).turn()
    request, headers = last_request(gateway)
    assert "%3A" in request["path"] and headers["x-amz-security-token"] == ENVIRONMENT["AWS_TEST_SESSION"]
    signed = botocore.awsrequest.AWSRequest(
        method=request["method"], url=f"http://{headers['host']}{request['path']}", data=request["body"].encode(),
        headers={"Content-Type": headers["content-type"], "Host": headers["host"]})
    signed.context["timestamp"] = headers["x-amz-date"]
    auth = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials("AKIDEXAMPLE", SECRET, ENVIRONMENT["AWS_TEST_SESSION"]), "bedrock", "eu-west-1")
    signed.headers["X-Amz-Date"] = headers["x-amz-date"]
    signed.headers["X-Amz-Security-Token"] = ENVIRONMENT["AWS_TEST_SESSION"]
    signature = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
    assert headers["authorization"].endswith(f"Signature={signature}")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert SECRET not in json.dumps(request)
    if model == ARN:
        assert gateway.last_turn()["cost_nano_usd"] > 0


# boto3 as a client


@pytest.mark.parametrize("provider", list(MODELS))
def test_converse_by_boto3(secure, monkeypatch, provider):
    client = runtime(secure, monkeypatch)
    history = [{"role": "user", "content": [{"text": ASK}]}]
    tools = {"tools": [{"toolSpec": {"name": "get_weather", "description": "d", "inputSchema": {"json": SCHEMA}}}]}
    for _ in range(2):
        answer = client.converse(modelId=f"{provider}/{MODELS[provider]}", messages=history, toolConfig=tools)
        assert answer["stopReason"] == "tool_use" and answer["ResponseMetadata"]["RequestId"]
        turn = secure.last_turn()
        assert turn["usage_source"] == "provider" and turn["cost_nano_usd"] > 0
        assert answer["usage"]["outputTokens"] == turn["usage"]["output"] and answer["metrics"]["latencyMs"] >= 0
        message = answer["output"]["message"]
        call = [block["toolUse"] for block in message["content"] if "toolUse" in block][0]
        assert call["name"] == "get_weather" and call["input"] == {"city": "Paris"}
        # Chat completions have no images in results: one would follow as a message of the user's, and begin the script anew.
        image = [{"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}] if provider != "chat" else []
        history += [message, {"role": "user", "content": [{"toolResult": {
            "toolUseId": call["toolUseId"], "status": "error", "content": [{"text": "18 degrees"}, *image]}}]}]
    answer = client.converse(modelId=f"{provider}/{MODELS[provider]}", messages=history, toolConfig=tools)
    assert answer["stopReason"] == "end_turn"
    assert answer["output"]["message"]["content"][-1]["text"].startswith("After 2 tool results")
    assert json.dumps(secure.sent()).count("18 degrees") == 2


@pytest.mark.parametrize("provider", list(MODELS))
def test_converse_stream_by_boto3(secure, monkeypatch, provider):
    client = runtime(secure, monkeypatch)
    tools = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": SCHEMA}}}]}
    stream = client.converse_stream(
        modelId=f"{provider}/{MODELS[provider]}", messages=[{"role": "user", "content": [{"text": ASK}]}], toolConfig=tools)["stream"]
    events = list(stream)
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == "messageStart" and kinds[-2:] == ["messageStop", "metadata"]
    text = "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)
    assert text == "I will look at that first."
    arguments = "".join(event["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "") for event in events
                        if "contentBlockDelta" in event)
    assert json.loads(arguments) == {"city": "Paris"}
    started = [event["contentBlockStart"]["start"]["toolUse"]["name"] for event in events if "contentBlockStart" in event]
    assert started == ["get_weather"]
    turn = secure.last_turn()
    usage = events[-1]["metadata"]["usage"]
    assert usage["outputTokens"] == turn["usage"]["output"] and turn.get("error") is None and turn["stream"]
    seen = turn["usage"]
    assert usage["cacheReadInputTokens"] == seen["cache_read"] and usage["inputTokens"] == seen["input"]


@pytest.mark.parametrize("provider", ["bedrock", "messages", "chat"])
def test_invoke_model_by_boto3(secure, monkeypatch, provider):
    client = runtime(secure, monkeypatch)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 300, "messages": [{"role": "user", "content": ASK}]}
    model = f"{provider}/{MODELS[provider]}"
    answer = json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
    assert answer["type"] == "message" and answer["content"][0]["text"].startswith("The task is done.")
    assert secure.last_turn()["cost_nano_usd"] > 0
    events = [json.loads(event["chunk"]["bytes"]) for event in client.invoke_model_with_response_stream(
        modelId=model, body=json.dumps(body))["body"]]
    assert [event["type"] for event in events][0] == "message_start" and events[-1]["type"] == "message_stop"
    assert "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta") == answer["content"][0]["text"]
    turn = secure.last_turn()
    assert turn["usage_source"] == "provider" and turn["usage"]["output"] > 0 and turn.get("error") is None


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", ["bedrock", "messages"])
def test_anthropics_own_client_for_bedrock(gateway, provider, streams):
    client = anthropic.AnthropicBedrock(base_url=gateway.weir.url, api_key=gateway.key, aws_region="us-east-1")
    arguments = dict(model=f"{provider}/{MODELS[provider]}", max_tokens=4000, thinking={"type": "enabled", "budget_tokens": 1024},
                     messages=[{"role": "user", "content": ASK}])
    if streams:
        with client.messages.stream(**arguments) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**arguments)
    assert answer.content[0].type == "thinking" and answer.content[0].signature.startswith("c2ltdWxhdGVk")
    assert answer.content[-1].text.startswith("The task is done.") and answer.stop_reason == "end_turn"


def test_a_request_between_boto3_and_bedrock_is_not_touched(secure, monkeypatch):
    client = runtime(secure, monkeypatch)
    client.converse(
        modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": "“é”"}, {"guardContent": {"text": {"text": "x"}}}]}],
        guardrailConfig={"guardrailIdentifier": "g1", "guardrailVersion": "1"}, requestMetadata={"team": "web"})
    request, headers = last_request(secure)
    assert request["path"] == f"/model/{CLAUDE}/converse" and "translated" not in secure.last_turn()["flags"]
    sent = json.loads(request["body"])
    assert sent["guardrailConfig"]["guardrailIdentifier"] == "g1" and sent["requestMetadata"] == {"team": "web"}


# Keys


def test_a_key_with_an_access_key_signs(secure, monkeypatch):
    lines = secure.weir.cli("key", "create", "--developer", "ana", "--team", "web", "--aws").stdout.split()
    access = (lines[1].removeprefix("AWS_ACCESS_KEY_ID="), lines[2].removeprefix("AWS_SECRET_ACCESS_KEY="))
    assert access[0] == lines[0][:17]
    client = runtime(secure, monkeypatch, access=access)
    answer = client.converse(modelId=f"bedrock/{ARN}", messages=[{"role": "user", "content": [{"text": ASK}]}])
    assert answer["stopReason"] == "end_turn" and secure.last_turn()["developer"] == "ana"
    assert list(client.converse_stream(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK}]}])["stream"])
    # The client's signature and its id stay here.
    _, headers = last_request(secure)
    assert headers["authorization"] == "Bearer bedrock-api-key-1" and "x-amz-date" not in headers

    with pytest.raises(botocore.exceptions.ClientError, match="does not match") as refused:
        runtime(secure, monkeypatch, access=(access[0], "0" * 64)).converse(modelId=CLAUDE, messages=[
            {"role": "user", "content": [{"text": ASK}]}])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    # A key that was not made for it has no access key, whoever holds the pepper.
    with pytest.raises(botocore.exceptions.ClientError, match="key create --aws"):
        runtime(secure, monkeypatch, access=(secure.key[:17], access[1])).converse(modelId=CLAUDE, messages=[
            {"role": "user", "content": [{"text": ASK}]}])
    # Rotated, the old one works on for the overlap and no longer.
    rotated = secure.weir.cli("key", "rotate", lines[0][7:17], "--overlap", "0s").stdout.split()
    with pytest.raises(botocore.exceptions.ClientError, match="does not match"):
        client.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK}]}])
    fresh = (access[0], rotated[2].removeprefix("AWS_SECRET_ACCESS_KEY="))
    assert runtime(secure, monkeypatch, access=fresh).converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK}]}])


def test_refusals_are_aws_errors(secure, monkeypatch):
    client = runtime(secure, monkeypatch, token="weir_k_0000000000_wrong")
    with pytest.raises(client.exceptions.AccessDeniedException) as refused:
        client.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK}]}])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403 and refused.value.response["ResponseMetadata"]["RequestId"]
    client = runtime(secure, monkeypatch)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="nobody-has-this"):
        client.converse(modelId="nobody-has-this", messages=[{"role": "user", "content": [{"text": ASK}]}])
    with pytest.raises(client.exceptions.ValidationException, match="guardrailConfig"):
        client.converse(modelId="chat/gpt-5.4-mini", messages=[{"role": "user", "content": [{"text": ASK}]}],
                        guardrailConfig={"guardrailIdentifier": "g1", "guardrailVersion": "1"})
    with pytest.raises(client.exceptions.ValidationException, match="vendor"):
        client.invoke_model(modelId="chat/gpt-5.4-mini", body=json.dumps({"inputText": "x"}))


@pytest.mark.parametrize("provider", list(MODELS))
def test_a_providers_failure_is_an_aws_error(secure, monkeypatch, provider):
    client = runtime(secure, monkeypatch, headers={"x-sim-fault": "status:429"})
    with pytest.raises(client.exceptions.ThrottlingException, match="simulated failure"):
        client.converse(modelId=f"{provider}/{MODELS[provider]}", messages=[{"role": "user", "content": [{"text": ASK}]}])
    client = runtime(secure, monkeypatch, headers={"x-sim-fault": "error-event:3"})
    with pytest.raises(botocore.exceptions.EventStreamError):
        list(client.converse_stream(modelId=f"{provider}/{MODELS[provider]}", messages=[
            {"role": "user", "content": [{"text": ASK}]}])["stream"])
    assert secure.last_turn()["error"] == "upstream_stream_error"


# Event streams


def test_event_streams_are_what_botocores_parser_reads(gateway):
    """Every message of a passed-through and of a written stream, headers and checksums, by botocore's own parser."""
    for model in (CLAUDE, "chat/gpt-5.4-mini"):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.weir.port, timeout=30)
        connection.request("POST", f"/model/{model.replace('/', '%2F')}/converse-stream",
                           json.dumps({"messages": [{"role": "user", "content": [{"text": ASK}]}]}),
                           {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.getheader("content-type") == "application/vnd.amazon.eventstream"
        buffer = botocore.eventstream.EventStreamBuffer()
        buffer.add_data(answer.read())
        messages = list(buffer)
        connection.close()
        assert messages[0].headers == {
            ":event-type": "messageStart", ":content-type": "application/json", ":message-type": "event"}
        assert json.loads(messages[-1].payload)["usage"]["outputTokens"] > 0


# Hang-ups


def test_bedrock_is_read_to_its_end_when_the_client_goes(secure, monkeypatch):
    client = runtime(secure, monkeypatch, headers={"x-sim-chunks": "60", "x-sim-pace-ms": "10", "x-weir-tag-case": "drained"})
    stream = client.converse_stream(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK}]}])["stream"]
    next(iter(stream))
    stream.close()
    turn = weirkit.wait_until(lambda: [turn for turn in secure.tagged("drained")], what="the drained turn")[0]
    assert {"cancelled", "drained"} <= set(turn["flags"]) and turn["usage_source"] == "provider"
