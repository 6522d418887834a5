"""Ollama's native API as a client: on a model that speaks it, and on foreign ones; lines, tools, thinking, images, errors."""

import json
import urllib.error
import urllib.request

import pytest

from gateway import gateway_with
from test_gemini import GEMINI, MESSAGES, MODEL, OLLAMA, PIXEL, PROVIDERS, CANARY

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


@pytest.fixture(scope="module")
def gateway():
    with gateway_with("", PROVIDERS, "    models: [nothing]\n", {"GEMINI_API_KEY": CANARY}) as made:
        yield made


def call(gateway, path, body, **headers):
    """The lines of an answer, its content type."""
    request = urllib.request.Request(
        f"{gateway.weir.url}{path}", json.dumps(body).encode() if body is not None else None,
        {"content-type": "application/json", "authorization": f"Bearer {gateway.key}", **headers})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return [json.loads(line) for line in answer.read().splitlines()], answer.headers["content-type"]


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", [OLLAMA, MESSAGES, GEMINI])
def test_a_loop_of_tools_by_ollamas_api(gateway, name, streams):
    messages = [{"role": "user", "content": "Look at the weather."}]
    for rounds in range(1, 4):
        body = {"model": f"{name}/{MODEL[name]}", "messages": messages, "tools": TOOLS, "think": True, "options": {"num_predict": 900}}
        if not streams:
            body["stream"] = False
        lines, kind = call(gateway, "/api/chat", body, **{"x-sim-parallel-tools": "2"})
        assert kind.startswith("application/x-ndjson" if streams else "application/json")
        assert lines[-1]["done"] and lines[-1]["done_reason"] == "stop" and not any(line["done"] for line in lines[:-1])
        text = "".join(line["message"]["content"] for line in lines)
        # This API has no place for the signatures without which Claude does not go on thinking: Weir keeps them.
        thought = "The request is clear; one step at a time."
        assert "".join(line["message"].get("thinking") or "" for line in lines) == thought
        calls = [one for line in lines for one in line["message"].get("tool_calls", [])]
        turn = gateway.last_turn()
        assert turn["deployment"] == f"{name}/{MODEL[name]}" and turn.get("error") is None and turn["usage_source"] == "provider"
        usage = turn["usage"]
        read = sum(usage.get(part, 0) for part in ("input", "cache_read", "cache_write_5m"))
        assert (lines[-1]["prompt_eval_count"], lines[-1]["eval_count"]) == (read, usage["output"])
        if not calls:
            break
        assert [one["function"] for one in calls] == [{"name": "get_weather", "arguments": {"city": "Paris"}}] * 2
        messages.append({"role": "assistant", "content": text, "tool_calls": calls})
        messages += [{"role": "tool", "tool_name": "get_weather", "content": "18 degrees"}] * 2
    assert rounds == 3 and text.startswith("After 4 tool results")


def test_generate_and_images_on_a_foreign_model(gateway):
    lines, _ = call(gateway, "/api/generate", {
        "model": f"messages/{MODEL[MESSAGES]}", "prompt": "What is it?", "system": "Be brief.", "images": [PIXEL]})
    assert "".join(line["response"] for line in lines).startswith("The task is done.") and lines[-1]["done"]
    sent = gateway.sent()
    assert sent["system"][0]["text"] == "Be brief."
    assert sent["messages"][0]["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}


def test_tags_and_refusals(gateway):
    lines, _ = call(gateway, "/api/tags", None)
    assert MODEL[OLLAMA] in [model["name"] for model in lines[0]["models"]]
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(gateway, "/api/chat", {"model": f"messages/{MODEL[MESSAGES]}", "messages": []})
    assert refused.value.code == 400 and "messages" in json.loads(refused.value.read())["error"]
    for name in (OLLAMA, MESSAGES):
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(gateway, "/api/chat", {"model": f"{name}/{MODEL[name]}", "messages": [{"role": "user", "content": "x"}]},
                 **{"x-sim-fault": "status:429"})
        assert refused.value.code == 429 and "429" in json.loads(refused.value.read())["error"]


def test_a_failing_stream_ends_in_an_error_line(gateway):
    for name in (OLLAMA, MESSAGES):
        lines, _ = call(gateway, "/api/chat", {"model": f"{name}/{MODEL[name]}", "messages": [{"role": "user", "content": "x"}]},
                        **{"x-sim-fault": "error-event:3"})
        assert lines[-1]["error"] and gateway.last_turn()["error"] == "upstream_stream_error"
