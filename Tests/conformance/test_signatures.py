"""Signed thinking for a client that only knows chat completions: the official SDK loops through tools on Claude and on Gemini 3, whose
providers refuse a call that comes back without its signature, and sends nothing of it back. Weir keeps it, for its maker and its tenant."""

import json
import uuid

import anthropic
import pytest

from gateway import gateway_with

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
CLAUDE, GEMINI = "claude-sonnet-4-5", "gemini-3.5-flash"
PROVIDERS = "".join(
    f"  - name: {name}\n    kind: simulated\n    base_url: {{simulation}}\n    dialects: [{spoken}]\n    models: ['{model}']\n"
    for name, spoken, model in (
        ("claude", "anthropic_messages", CLAUDE), ("other", "anthropic_messages", CLAUDE), ("google", "gemini", GEMINI)))


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(provider_settings="    models: [nothing]\n", providers=PROVIDERS) as made:
        yield made


class Loop:
    """An agent that keeps of an answer what chat completions had from the start: content and calls."""

    def __init__(self, gateway, model, streams=False, session=None, key=None, **headers):
        self.gateway, self.model, self.streams = gateway, model, streams
        named = {"x-weir-session": session} if session else {}
        self.client = gateway.openai(key, headers={**named, **headers})
        self.history = [{"role": "user", "content": f"Look at the weather, then say what you did. {uuid.uuid4()}"}]

    def turn(self):
        """One call; gives the calls of its answer and what was dropped."""
        arguments = dict(model=self.model, messages=self.history, tools=TOOLS, reasoning_effort="medium", max_tokens=4000)
        if self.streams:
            raw = self.client.chat.completions.with_raw_response.create(**arguments, stream=True)
            content, calls = "", {}
            for chunk in raw.parse():
                for choice in chunk.choices:
                    content += choice.delta.content or ""
                    for piece in choice.delta.tool_calls or []:
                        call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                        call["id"] = piece.id or call["id"]
                        call["name"] += piece.function.name or ""
                        call["arguments"] += piece.function.arguments or ""
            calls = [calls[index] for index in sorted(calls)]
        else:
            raw = self.client.chat.completions.with_raw_response.create(**arguments)
            message = raw.parse().choices[0].message
            content = message.content
            calls = [{"id": one.id, "name": one.function.name, "arguments": one.function.arguments} for one in message.tool_calls or []]
        said = {"role": "assistant", "content": content}
        if calls:
            said["tool_calls"] = [
                {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": one["arguments"]}} for one in calls]
        self.history.append(said)
        self.history += [{"role": "tool", "tool_call_id": one["id"], "content": "18 degrees"} for one in calls]
        return calls, raw.headers.get("x-weir-dropped")


def claude_thoughts(body):
    return [[block for block in message["content"] if block["type"] == "thinking"]
            for message in body["messages"] if message["role"] == "assistant"]


@pytest.mark.parametrize("session", [None, "named"], ids=["no-session", "session"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("parallel", ["1", "2"])
def test_claude_goes_on_thinking_in_a_loop_of_tools(gateway, streams, parallel, session):
    loop = Loop(gateway, f"claude/{CLAUDE}", streams, session, **{"x-sim-parallel-tools": parallel})
    rounds = 0
    while True:
        calls, dropped = loop.turn()
        assert dropped is None and gateway.last_turn().get("error") is None
        sent = gateway.sent()
        assert sent["thinking"]["type"] == "enabled", "no turn had to give its thinking up"
        thoughts = claude_thoughts(sent)
        assert len(thoughts) == rounds
        for number, blocks in enumerate(thoughts):
            block, = blocks
            assert block["thinking"] and block["signature"].startswith("c2ltdWxhdGVk")
        # Thinking stands before the text and the calls, where its provider put it.
        for message in sent["messages"]:
            if message["role"] == "assistant":
                assert [block["type"] for block in message["content"]] == ["thinking", "text"] + ["tool_use"] * int(parallel)
        if not calls:
            break
        rounds += 1
    assert rounds == 2 and len({blocks[0]["signature"] for blocks in thoughts}) == 2


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("parallel", ["1", "2"])
def test_gemini_gets_its_signatures_back_on_the_calls_that_they_stood_on(gateway, streams, parallel):
    loop = Loop(gateway, f"google/{GEMINI}", streams, "g", **{"x-sim-parallel-tools": parallel})
    rounds = 0
    while True:
        calls, dropped = loop.turn()
        assert dropped is None, "nothing was left out, and no marker had to stand in"
        models = [content for content in gateway.sent()["contents"] if content["role"] == "model"]
        assert len(models) == rounds
        for content in models:
            signed = [part.get("thoughtSignature") for part in content["parts"] if "functionCall" in part]
            assert signed[0].startswith("c2ltdWxhdGVk") and signed[1:] == [None] * (int(parallel) - 1)
        if not calls:
            break
        rounds += 1
    assert rounds == 2


def test_nobody_gets_anothers_thinking(gateway):
    loop = Loop(gateway, f"claude/{CLAUDE}", session="mine")
    loop.turn()
    for key, session in ((gateway.weir.key(developer="nina"), "mine"), (None, "another")):
        thief = Loop(gateway, f"claude/{CLAUDE}", session=session, key=key)
        thief.history = [dict(message) for message in loop.history]
        _, dropped = thief.turn()
        assert dropped == "thinking" and claude_thoughts(gateway.sent()) == [[]]
        assert "thinking" not in gateway.sent()
    # The owner still has it.
    assert loop.turn()[1] is None


@pytest.mark.parametrize("other", [f"other/{CLAUDE}", f"google/{GEMINI}"], ids=["account", "provider"])
def test_a_session_that_changes_its_provider_leaves_foreign_thinking_behind_and_says_so(gateway, other):
    loop = Loop(gateway, f"claude/{CLAUDE}", session=f"switch-{other}")
    loop.turn()
    loop.model = other
    _, dropped = loop.turn()
    assert "messages[].thinking" in dropped.split(", ") and "c2ltdWxhdGVk" not in json.dumps(gateway.sent())
    assert "dropped" in gateway.last_turn()["flags"]


def test_the_simulated_claude_refuses_what_anthropic_refuses(gateway):
    client = gateway.anthropic()

    def ask(blocks):
        return client.messages.create(
            model=f"claude/{CLAUDE}", max_tokens=4000, thinking={"type": "enabled", "budget_tokens": 2000},
            tools=[{"name": "get_weather", "input_schema": SCHEMA}], messages=[
                {"role": "user", "content": "Look."},
                {"role": "assistant", "content": [*blocks, {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "18"}]}])

    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking`"):
        ask([])
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        ask([{"type": "thinking", "thinking": "Hm.", "signature": "Zm9yZ2Vk"}])


def test_without_the_store_a_loop_goes_on_without_thinking_and_says_so():
    with gateway_with("limits:\n  signature_store_bytes_max: 0\n", PROVIDERS, "    models: [nothing]\n") as gateway:
        loop = Loop(gateway, f"claude/{CLAUDE}", session="none")
        loop.turn()
        _, dropped = loop.turn()
        assert dropped == "thinking"
        google = Loop(gateway, f"google/{GEMINI}", session="none")
        google.turn()
        assert google.turn()[1] == "messages[].thinking"
