"""The matrix on the wire: each recorded case of each upstream dialect, by the official SDK of each client dialect, whole and streamed:
what was said, usage and cost in the ledger; OpenCode's own rules for every stream that it can see. `Tests/DialectsTests/Matrix` has
the breadth; this shows that the wire carries it."""

import http.client
import json

import boto3
import botocore.config
import pytest
from google import genai
from google.genai import types

from gateway import gateway_with
from matrix_kit import CASES, CHAT, COARSER, CONVERSE, COUNTED, GEMINI, MESSAGES, MODELS, PRICES, RESPONSES, SDKS, WORDS, Replay, expected, see
from opencode_client import first, second
from opencode_client.sse import Refused

PAIRS = [(client, upstream) for client in SDKS for upstream in MODELS if client != upstream]
pairs = pytest.mark.parametrize("client,upstream", PAIRS, ids=[f"{client}-on-{upstream}" for client, upstream in PAIRS])
OPENCODE = {CHAT: ("chat", "/v1/chat/completions"), MESSAGES: ("messages", "/v1/messages"), RESPONSES: ("responses", "/v1/responses")}
# A client that nobody holds closes its connection under its own pending call.
KEEP = []


@pytest.fixture(scope="module")
def gateway():
    replay = Replay()
    providers = "".join(
        f"  - name: {dialect}\n    kind: simulated\n    base_url: {replay.url}\n    dialects: [{dialect}]\n"
        f"    price_provider: matrix\n    models: ['{model}']\n" for dialect, model in MODELS.items())
    prices = "prices:\n  - {provider: matrix, model: '*', " + ", ".join(f'{name}: "{usd}"' for name, usd in PRICES.items()) + "}\n"
    with gateway_with(extra=prices, provider_settings="    models: [nothing]\n", providers=providers) as made:
        made.replay = replay
        made.access = aws_key(made)
        yield made
    replay.close()


def aws_key(gateway):
    """A key that signs as AWS's do, since botocore sends bearer tokens over TLS alone."""
    lines = gateway.weir.cli("key", "create", "--developer", "ana", "--team", "web", "--aws").stdout.split()
    return lines[1].removeprefix("AWS_ACCESS_KEY_ID="), lines[2].removeprefix("AWS_SECRET_ACCESS_KEY=")


def sdk(gateway, dialect):
    if dialect in (CHAT, RESPONSES):
        return gateway.openai(max_retries=0)
    if dialect == MESSAGES:
        return gateway.anthropic(max_retries=0)
    if dialect == GEMINI:
        KEEP.append(genai.Client(api_key=gateway.key, vertexai=False, http_options=types.HttpOptions(base_url=gateway.weir.url)))
        return KEEP[-1]
    client = boto3.session.Session(
        region_name="us-east-1", aws_access_key_id=gateway.access[0], aws_secret_access_key=gateway.access[1]).client(
            "bedrock-runtime", endpoint_url=gateway.weir.url, config=botocore.config.Config(retries={"max_attempts": 0}))
    client.meta.events.register("before-sign.bedrock-runtime.*", lambda request, **_: [
        request.headers.__setitem__(name, value) for name, value in client.weir_headers.items()])
    return client


def cost(usage):
    return sum(usage.get(name, 0) * usd * 1000 for name, usd in PRICES.items())


@pairs
def test_every_case_is_what_the_sdk_sees_and_the_ledger_counts(gateway, client, upstream):
    made, cells, wrong = sdk(gateway, client), {}, []
    KEEP.append(made)
    for name, case in CASES.items():
        if upstream not in case["recordings"]:
            continue
        wanted, answer = expected(case, upstream)
        wanted.stop = COARSER.get(client, {}).get(wanted.stop, wanted.stop)
        if client not in (CHAT, RESPONSES):
            wanted.text, wanted.refusal = wanted.text + wanted.refusal, ""
        elif wanted.stop == "filtered" and not wanted.refusal:
            wanted.refusal = answer.get("stop_detail") or ""
        for streams in (False, True):
            if ("stream" if streams else "document") not in case["recordings"][upstream]:
                continue
            cell = f"{name}-{client}-{upstream}-{streams}"
            headers = {"x-sim-case": name, "x-weir-tag-case": cell}
            try:
                seen = see(client, made, f"{upstream}/{MODELS[upstream]}", streams, headers)
            except Exception as error:  # noqa: BLE001: every SDK has errors of its own
                if answer.get("failure") and answer["failure"] in str(error):
                    continue
                wrong.append(f"{cell}: {error!r}")
                continue
            if answer.get("failure"):
                wrong.append(f"{cell}: no error but {seen}")
            elif seen != wanted:
                wrong.append(f"{cell}: {seen} and not {wanted}")
            cells[cell] = wanted
    assert wrong == []
    turns = {turn["tags"]["case"]: turn for turn in gateway.turns(limit=200) if "case" in turn["tags"]}
    for cell, wanted in cells.items():
        turn = turns[cell]
        usage = turn["usage"]
        read = sum(count for name, count in usage.items() if name in ("input", "tool_prompt") or name.startswith("cache_"))
        assert (read, usage.get("output", 0)) == (wanted.read, wanted.output), cell
        assert turn["deployment"] == f"{upstream}/{MODELS[upstream]}" and turn["usage_source"] == "provider", cell
        assert turn["cost_nano_usd"] == cost(usage) and turn.get("error") is None and "translated" in turn["flags"], cell


@pytest.mark.parametrize(("client", "upstream"), [(client, upstream) for client in OPENCODE for upstream in MODELS if client != upstream])
def test_opencode_takes_every_stream(gateway, client, upstream):
    kind, path = OPENCODE[client]
    asked = {"model": f"{upstream}/{MODELS[upstream]}", "stream": True}
    asked |= {"input": "?"} if client == RESPONSES else {"max_tokens": 900, "messages": [{"role": "user", "content": "?"}]}
    if client == CHAT:
        asked["stream_options"] = {"include_usage": True}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.weir.port, timeout=30)
    for name, case in CASES.items():
        if "stream" not in case["recordings"].get(upstream, {}):
            continue
        wanted, answer = expected(case, upstream)
        connection.request("POST", path, json.dumps(asked), {
            "authorization": f"Bearer {gateway.key}", "content-type": "application/json", "x-sim-case": name})
        body = connection.getresponse().read()
        for reader in (first.READERS[kind], second.READERS[kind]):
            if answer.get("failure"):
                with pytest.raises(Refused, match=".*") as refused:
                    reader(body)
                assert answer["failure"] in str(refused.value) or reader is first.READERS[kind], name
                continue
            read = reader(body)
            calls = [(tool.name, json.loads(tool.arguments or "{}")) for tool in read.tools]
            assert calls == wanted.calls and read.reasoning == wanted.thinking, name
            refusals = ("", wanted.refusal, answer.get("stop_detail") or "")
            assert read.text in [wanted.text + refusal for refusal in refusals] and read.finish and read.usage, name
    connection.close()


@pairs
def test_an_answer_that_is_refused_keeps_its_words(gateway, client, upstream):
    with pytest.raises(Exception, match=WORDS):
        see(client, sdk(gateway, client), f"{upstream}/{MODELS[upstream]}", False, {"x-sim-status": "400"})
    assert gateway.last_turn()["status"] == 400


@pytest.mark.parametrize("client", [CHAT, RESPONSES, MESSAGES, GEMINI])
def test_an_answer_that_makes_no_sense_is_a_bad_gateway(gateway, client):
    with pytest.raises(Exception) as failed:
        see(client, sdk(gateway, client), f"{CONVERSE}/{MODELS[CONVERSE]}", False, {"x-sim-case": "malformed_call_of_bedrock"})
    assert (getattr(failed.value, "status_code", None) or failed.value.code) == 502
    turn = gateway.last_turn()
    assert turn["status"] == 502 and turn["error"] == "upstream_malformed" and turn["cost_nano_usd"] == cost(turn["usage"]) > 0


def test_a_strict_key_is_refused_what_would_be_left_out(gateway):
    key = gateway.weir.cli("key", "create", "--developer", "ana", "--team", "web", "--strict").stdout.strip()
    arguments = dict(model=f"{MESSAGES}/{MODELS[MESSAGES]}", messages=[{"role": "user", "content": "?"}])
    lenient = gateway.openai().chat.completions.with_raw_response.create(seed=7, **arguments)
    assert lenient.headers["x-weir-dropped"] == "seed"
    served = len(gateway.replay.bodies)
    with pytest.raises(Exception) as refused:
        gateway.openai(key).chat.completions.create(seed=7, **arguments)
    assert refused.value.status_code == 400 and refused.value.code == "cannot_translate" and refused.value.param == "seed"
    assert len(gateway.replay.bodies) == served
    # What says all that it says is let through, and so is what is not translated.
    assert gateway.openai(key).chat.completions.create(**arguments).choices[0].message.content
    gateway.openai(key).chat.completions.create(seed=7, model=f"{CHAT}/{MODELS[CHAT]}", messages=arguments["messages"])


def test_tokens_are_counted_by_who_can_count(gateway):
    question = [{"role": "user", "content": "How long is this?"}]
    count = gateway.anthropic().messages.count_tokens(model=f"{GEMINI}/{MODELS[GEMINI]}", system="Be brief.", messages=question)
    assert count.input_tokens == COUNTED
    sent = gateway.replay.bodies[-1]["generateContentRequest"]
    assert sent["model"] == f"models/{MODELS[GEMINI]}" and sent["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert sent["contents"] == [{"role": "user", "parts": [{"text": "How long is this?"}]}]
    google = sdk(gateway, GEMINI).models.count_tokens(model=f"{MESSAGES}/{MODELS[MESSAGES]}", contents="How long is this?")
    assert google.total_tokens == COUNTED
    assert gateway.replay.bodies[-1] == {
        "model": MODELS[MESSAGES], "messages": [{"role": "user", "content": [{"type": "text", "text": "How long is this?"}]}]}
    openai = gateway.openai().responses.input_tokens.count(model=f"{MESSAGES}/{MODELS[MESSAGES]}", input="How long is this?")
    assert openai.input_tokens == COUNTED and openai.object == "response.input_tokens"
    # Counting is free and makes no turn; who cannot count says so.
    with pytest.raises(Exception) as refused:
        gateway.anthropic(max_retries=0).messages.count_tokens(model=f"{CHAT}/{MODELS[CHAT]}", messages=question)
    assert 400 <= refused.value.status_code < 500
