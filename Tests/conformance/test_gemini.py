"""Gemini as a provider and as a client: the official SDKs on a model that only speaks generateContent, and google-genai on Gemini, on
Claude and on chat completions. Values, usage and cost; what passes unchanged passes byte for byte."""

import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from clients import CHAT, MESSAGES, RESPONSES
from gateway import gateway_with
from test_translation import Conversation

GEMINI, OLLAMA = "gemini", "ollama"
MODEL = {GEMINI: "gemini-3.5-flash", OLLAMA: "qwen3:8b", MESSAGES: "claude-opus-4-8", CHAT: "gpt-5.4-mini"}
SPOKEN = {GEMINI: "gemini", OLLAMA: "ollama", MESSAGES: "anthropic_messages", CHAT: "openai_chat"}
PROVIDERS = "".join(
    f"  - name: {name}\n    kind: simulated\n    base_url: {{simulation}}\n    dialects: [{spoken}]\n    models: ['{MODEL[name]}']\n"
    for name, spoken in SPOKEN.items()) + """
  - name: google
    kind: gemini
    base_url: {simulation}
    allow_private_addresses: true
    api_key: ${GEMINI_API_KEY}
"""
CANARY = "AIza-canary-of-google"
WEATHER = types.Tool(function_declarations=[types.FunctionDeclaration(
    name="get_weather", description="the weather", parameters_json_schema={
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})])
# A client that nobody holds closes its connection under its own pending call.
CLIENTS = []
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def gateway():
    with gateway_with("", PROVIDERS, "    models: [nothing]\n", {"GEMINI_API_KEY": CANARY}) as made:
        yield made


def google(gateway, key=None, **headers):
    CLIENTS.append(genai.Client(
        api_key=key or gateway.key, vertexai=False, http_options=types.HttpOptions(base_url=gateway.weir.url, headers=headers)))
    return CLIENTS[-1]


def check_books(gateway, deployment, read, written):
    turn = gateway.last_turn()
    assert turn["deployment"] == deployment and turn["usage_source"] == "provider" and turn.get("error") is None, turn
    usage = turn["usage"]
    classes = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "tool_prompt")
    assert (sum(usage.get(name, 0) for name in classes), usage["output"]) == (read, written)
    return turn


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("upstream", [GEMINI, OLLAMA])
def test_a_loop_of_tools_by_the_official_sdks(gateway, client, upstream, streams):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", streams, **{"x-sim-parallel-tools": "2"})
    rounds = 0
    while True:
        text, calls, _ = conversation.turn()
        rounds += 1
        turn = check_books(gateway, f"{upstream}/{MODEL[upstream]}", *conversation.usage)
        assert "translated" in turn["flags"]
        if upstream == GEMINI:
            assert turn["cost_nano_usd"] > 0
        if not calls:
            break
        assert len({call[0] for call in calls}) == len(calls) == 2
        assert [(name, arguments) for _, name, arguments in calls] == [("get_weather", {"city": "Paris"})] * 2
    assert rounds == 3 and text.startswith("After 4 tool results: the task is done.")
    assert json.dumps(gateway.sent()).count("18 degrees") == 4
    if upstream == GEMINI:
        # Gemini 3 refuses a loop without its signatures: each came back, on the first call of its answer.
        signed = [part for content in gateway.sent()["contents"] for part in content["parts"] if "thoughtSignature" in part]
        assert len(signed) == 2 and all(part["thoughtSignature"].startswith("c2ltdWxhdGVk") for part in signed)
        assert all("id" not in part.get("functionCall", {}) for content in gateway.sent()["contents"] for part in content["parts"])


def test_a_gemini_provider_gets_its_own_key_and_nothing_of_the_clients(gateway):
    answer = gateway.openai().chat.completions.create(
        model="google/gemini-2.5-flash", messages=[{"role": "user", "content": "Say hi."}], temperature=0.5, max_tokens=50)
    request = gateway.simulation.requests()[-1]
    assert request["path"] == "/v1beta/models/gemini-2.5-flash:generateContent" and request["query"] == ""
    headers = {name.lower(): value for name, value in request["headers"]}
    assert headers["x-goog-api-key"] == CANARY and "authorization" not in headers
    assert gateway.key not in json.dumps(request)
    assert json.loads(request["body"])["generationConfig"] == {"temperature": 0.5, "maxOutputTokens": 50}
    turn = check_books(gateway, "google/gemini-2.5-flash", answer.usage.prompt_tokens, answer.usage.completion_tokens)
    usage = turn["usage"]
    # 0.3, 0.03 and 2.5 USD per million.
    cost = usage["input"] * 300 + usage.get("cache_read", 0) * 30 + usage["output"] * 2500
    assert turn["cost_nano_usd"] == cost


@pytest.mark.parametrize("model", [MODEL[GEMINI], MODEL[MESSAGES], MODEL[CHAT], MODEL[OLLAMA]])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_google_genai_on_its_own_and_on_foreign_models(gateway, model, streams):
    client = google(gateway, **{"x-sim-tool-rounds": "1", "x-sim-parallel-tools": "2"})
    config = types.GenerateContentConfig(
        tools=[WEATHER], system_instruction="Be brief.", max_output_tokens=500,
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    name = next(key for key, value in MODEL.items() if value == model)
    contents = [types.Content(role="user", parts=[types.Part(text="Look at the weather.")])]

    def ask():
        if not streams:
            return [client.models.generate_content(model=f"{name}/{model}", contents=contents, config=config)]
        return list(client.models.generate_content_stream(model=f"{name}/{model}", contents=contents, config=config))

    chunks = ask()
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.name, call.args) for call in calls] == [("get_weather", {"city": "Paris"})] * 2
    # A whole chat completion of the simulation shows no reasoning.
    assert any(part.thought and part.text for part in parts) or (name == CHAT and not streams), parts
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    usage = chunks[-1].usage_metadata
    check_books(gateway, f"{name}/{model}", usage.prompt_token_count, usage.candidates_token_count + (usage.thoughts_token_count or 0))
    # As the SDK's chats do: each chunk a content of its own.
    contents += [chunk.candidates[0].content for chunk in chunks]
    contents.append(types.Content(role="user", parts=[
        types.Part(function_response=types.FunctionResponse(name="get_weather", id=calls[0].id, response={"output": "18 degrees"})),
        types.Part(function_response=types.FunctionResponse(name="get_weather", id=calls[1].id, response={"error": "no station"}))]))
    chunks = ask()
    text = "".join(part.text for chunk in chunks for part in chunk.candidates[0].content.parts if part.text and not part.thought)
    assert text.startswith("After 2 tool results: the task is done.")
    sent = json.dumps(gateway.sent())
    assert "18 degrees" in sent and "no station" in sent
    if name == MESSAGES:
        blocks = [block for message in gateway.sent()["messages"] for block in message["content"]]
        assert [block["is_error"] for block in blocks if block["type"] == "tool_result" and "is_error" in block] == [True]
        assert [block["thinking"] for block in blocks if block["type"] == "thinking"] == ["The request is clear; one step at a time."]


def test_chats_with_images_and_structured_output_on_a_foreign_model(gateway):
    import base64
    client = google(gateway)
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    client.models.generate_content(
        model=f"messages/{MODEL[MESSAGES]}",
        contents=[types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png"), "What is it?"],
        config=types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema))
    sent = gateway.sent()
    assert sent["messages"][0]["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert sent["output_config"]["format"] == {"type": "json_schema", "schema": schema}


def test_what_is_of_geminis_own_dialect_passes_byte_for_byte(gateway):
    import urllib.request
    body = b'{ "contents" : [{"role":"user","parts":[{"text":"Say hi."}]}], "unknownMember": 1 }'
    request = urllib.request.Request(
        f"{gateway.weir.url}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key={gateway.key}", body,
        {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        stream = answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
    seen = gateway.simulation.requests()[-1]
    assert seen["body"].encode() == body and seen["query"] == "alt=sse"
    assert gateway.key not in json.dumps(seen)
    assert stream.startswith(b'data: {"candidates":') and stream.endswith(b"\n\n")
    turn = gateway.last_turn()
    assert turn["deployment"] == "google/gemini-2.5-flash" and turn["stream"] and "translated" not in turn["flags"]
    assert turn["cost_nano_usd"] > 0 and turn["bytes_out"] == len(stream)
    # The key of the query is in no log.
    assert gateway.key not in "\n".join(gateway.weir.process.output[1:]).replace(f"{gateway.key}\n", "", 1)


def test_without_sse_a_stream_is_one_array(gateway):
    import urllib.request
    for model in ("google/gemini-2.5-flash", f"messages/{MODEL[MESSAGES]}"):
        request = urllib.request.Request(
            f"{gateway.weir.url}/v1beta/models/{model.replace('/', '%2F')}:streamGenerateContent",
            b'{"contents":[{"role":"user","parts":[{"text":"Say hi."}]}]}',
            {"content-type": "application/json", "x-goog-api-key": gateway.key})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["content-type"].startswith("application/json")
            chunks = json.loads(answer.read())
        assert len(chunks) > 3 and chunks[-1]["candidates"][0]["finishReason"] == "STOP"
        assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] > 0
        assert gateway.last_turn().get("error") is None and gateway.last_turn()["usage_source"] == "provider"


def test_models_are_listed_in_googles_form(gateway):
    names = [model.name for model in google(gateway).models.list()]
    assert f"models/{MODEL[GEMINI]}" in names and f"models/{MODEL[MESSAGES]}" in names
    assert google(gateway).models.get(model=MODEL[GEMINI]).input_token_limit == 1_000_000


def test_refusals_are_googles(gateway):
    with pytest.raises(errors.ClientError) as refused:
        google(gateway, key="weir_k_nothing").models.generate_content(model="gemini-2.5-flash", contents="hi")
    assert refused.value.code == 401 and refused.value.status == "UNAUTHENTICATED"
    with pytest.raises(errors.ClientError) as refused:
        google(gateway).models.generate_content(model="none-such-model", contents="hi")
    assert refused.value.code in (400, 404)
    with pytest.raises(errors.ClientError, match="cachedContent") as refused:
        google(gateway).models.generate_content(
            model=f"messages/{MODEL[MESSAGES]}", contents="hi", config=types.GenerateContentConfig(cached_content="cachedContents/1"))
    assert refused.value.status == "INVALID_ARGUMENT"
    for model in (MODEL[GEMINI], f"messages/{MODEL[MESSAGES]}"):
        with pytest.raises(errors.ClientError) as refused:
            google(gateway, **{"x-sim-fault": "status:429"}).models.generate_content(model=model, contents="hi")
        assert refused.value.code == 429 and refused.value.status == "RESOURCE_EXHAUSTED" and refused.value.message


@pytest.mark.parametrize("client", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("upstream", [GEMINI, OLLAMA])
def test_a_providers_refusal_keeps_its_words_and_status(gateway, client, upstream):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", False, **{"x-sim-fault": "status:429"})
    conversation.client.max_retries = 0
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError), match="simulated failure with status 429"):
        conversation.turn()


@pytest.mark.parametrize("fault", ["cut:2", "error-event:2"])
@pytest.mark.parametrize("upstream", [GEMINI, OLLAMA])
@pytest.mark.parametrize("client", [CHAT, RESPONSES, MESSAGES])
def test_a_stream_that_fails_is_no_whole_answer(gateway, client, upstream, fault):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", True, **{"x-sim-fault": fault})
    conversation.client.max_retries = 0
    with pytest.raises(Exception):
        conversation.turn()
    assert gateway.last_turn().get("error") == ("upstream_truncated" if fault == "cut:2" else "upstream_stream_error")


def test_google_genai_sees_a_failing_stream(gateway):
    for model in (f"messages/{MODEL[MESSAGES]}", MODEL[GEMINI]):
        with pytest.raises(errors.APIError):
            list(google(gateway, **{"x-sim-fault": "error-event:3"}).models.generate_content_stream(model=model, contents="hi"))


def test_structured_output_images_and_what_gemini_lacks(gateway):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}
    raw = gateway.openai().chat.completions.with_raw_response.create(
        model=MODEL[GEMINI], seed=7, logit_bias={"1": 2}, user="maria", stop=["a"], presence_penalty=0.5,
        messages=[{"role": "user", "content": [{"type": "text", "text": "What?"},
                                               {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "high"}}]}],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}})
    assert raw.headers["x-weir-dropped"] == "logit_bias, image_url.detail, user" or set(raw.headers["x-weir-dropped"].split(", ")) == {
        "logit_bias", "image_url.detail", "user"}
    generation = gateway.sent()["generationConfig"]
    assert generation == {"stopSequences": ["a"], "presencePenalty": 0.5, "seed": 7, "responseMimeType": "application/json",
                          "responseJsonSchema": schema}
    assert gateway.sent()["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": PIXEL}}
    with pytest.raises(openai.BadRequestError) as refused:
        gateway.openai().chat.completions.create(model=MODEL[GEMINI], n=2, messages=[{"role": "user", "content": "x"}])
    assert refused.value.code == "cannot_translate" and refused.value.param == "n"


def test_a_tool_result_with_an_image_reaches_gemini(gateway):
    history = [
        {"role": "user", "content": "shot"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "shot", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [
            {"type": "text", "text": "half a picture"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}]}]},
    ]
    raw = gateway.anthropic().messages.with_raw_response.create(model=MODEL[GEMINI], max_tokens=50, messages=history)
    call, result = gateway.sent()["contents"][1:]
    assert call["parts"][0]["functionCall"] == {"id": "toolu_1", "name": "shot", "args": {}}
    # No signature of Gemini's: the marker, named.
    assert call["parts"][0]["thoughtSignature"] and raw.headers["x-weir-dropped"] == "messages[].thinking"
    assert result["parts"] == [{"functionResponse": {
        "id": "toolu_1", "name": "shot", "response": {"error": "half a picture"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]}}]


def test_a_client_that_hangs_up_pays_what_gemini_counted(gateway):
    client = gateway.openai(headers={"x-sim-chunks": "400", "x-sim-pace-ms": "5"})
    stream = client.chat.completions.create(model=MODEL[GEMINI], stream=True, messages=[{"role": "user", "content": "x"}])
    for _, chunk in zip(range(5), stream):
        pass
    stream.close()
    import weirkit
    turn = weirkit.wait_until(lambda: gateway.last_turn() if "cancelled" in gateway.last_turn()["flags"] else None, 20, "the turn")
    assert turn["usage"]["input"] > 0 and turn["cost_nano_usd"] > 0
