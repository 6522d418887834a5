"""Every client dialect on providers that speak only another one: the official SDKs parse what comes, whole and streamed, tools and
thinking survive a loop, usage and cost are the provider's, and what cannot be carried is named or refused."""

import json

import anthropic
import openai
import pytest

from clients import CHAT, DIALECTS, MESSAGES, RESPONSES
from gateway import gateway_with

SPOKEN = {CHAT: "openai_chat", RESPONSES: "openai_responses", MESSAGES: "anthropic_messages"}
MODEL = {CHAT: "gpt-5.4-mini", RESPONSES: "gpt-6.1-sol", MESSAGES: "claude-opus-4-8"}
PAIRS = [(client, upstream) for client in DIALECTS for upstream in DIALECTS if client != upstream]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ASK = "Look at the weather, then say what you did."


@pytest.fixture(scope="module")
def gateway():
    providers = "".join(
        f"  - name: {name}\n    kind: simulated\n    base_url: {{simulation}}\n    dialects: [{spoken}]\n    models: [{MODEL[name]}]\n"
        for name, spoken in SPOKEN.items())
    with gateway_with(provider_settings="    models: [nothing]\n", providers=providers) as made:
        yield made


class Conversation:
    """An agent's loop in one dialect, by its official SDK."""

    def __init__(self, gateway, dialect, model, streams, **headers):
        self.dialect, self.model, self.streams = dialect, model, streams
        make = gateway.anthropic if dialect == MESSAGES else gateway.openai
        self.client = make(headers={"x-weir-session": f"{dialect}-{model}-{streams}", **headers})
        self.history = [{"role": "user", "content": ASK}]

    def turn(self, **options):
        """One call: text, tool calls as (id, name, arguments), the answer."""
        return getattr(self, self.dialect)(**options)

    def chat(self, **options):
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
        arguments = dict(model=self.model, messages=self.history, tools=tools, **options)
        if self.streams:
            with self.client.chat.completions.stream(stream_options={"include_usage": True}, **arguments) as stream:
                answer = stream.get_final_completion()
        else:
            answer = self.client.chat.completions.create(**arguments)
        message = answer.choices[0].message
        said = message.model_dump(exclude_none=True)
        said.pop("parsed", None)
        for call in said.get("tool_calls", []):
            call["function"].pop("parsed_arguments", None)
        self.history.append(said)
        calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        assert answer.choices[0].finish_reason == ("tool_calls" if calls else "stop")
        self.history += [{"role": "tool", "tool_call_id": call[0], "content": "18 degrees"} for call in calls]
        self.usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
        return message.content or "", calls, answer

    def responses(self, **options):
        tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
        arguments = dict(model=self.model, input=self.history, tools=tools, store=False, **options)
        if self.streams:
            with self.client.responses.stream(**arguments) as stream:
                answer = stream.get_final_response()
        else:
            answer = self.client.responses.create(**arguments)
        assert answer.status == "completed"
        calls = [(item.call_id, item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"]
        for item in answer.output:
            said = item.model_dump(exclude_none=True)
            said.pop("parsed_arguments", None)
            for part in said.get("content") or []:
                part.pop("parsed", None)
            self.history.append(said)
        self.history += [{"type": "function_call_output", "call_id": call[0], "output": "18 degrees"} for call in calls]
        self.usage = (answer.usage.input_tokens, answer.usage.output_tokens)
        return answer.output_text, calls, answer

    def messages(self, **options):
        tools = [{"name": "get_weather", "input_schema": SCHEMA}]
        arguments = dict(model=self.model, max_tokens=4000, messages=self.history, tools=tools, **options)
        if self.streams:
            with self.client.messages.stream(**arguments) as stream:
                answer = stream.get_final_message()
        else:
            answer = self.client.messages.create(**arguments)
        calls = [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"]
        assert answer.stop_reason == ("tool_use" if calls else "end_turn")
        self.history.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]})
        results = [{"type": "tool_result", "tool_use_id": call[0], "content": "18 degrees"} for call in calls]
        if results:
            self.history.append({"role": "user", "content": results})
        usage = answer.usage
        self.usage = (
            usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0), usage.output_tokens)
        return "".join(block.text for block in answer.content if block.type == "text"), calls, answer


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client,upstream", PAIRS, ids=[f"{client}-on-{upstream}" for client, upstream in PAIRS])
def test_a_loop_of_tools_on_a_foreign_provider(gateway, client, upstream, streams):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", streams)
    rounds = 0
    while True:
        text, calls, _ = conversation.turn()
        rounds += 1
        turn = gateway.last_turn()
        assert turn["deployment"] == f"{upstream}/{MODEL[upstream]}" and "translated" in turn["flags"]
        assert turn["usage_source"] == "provider" and turn["cost_nano_usd"] > 0 and turn.get("error") is None
        seen = turn["usage"]
        read = sum(seen.get(name, 0) for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m"))
        assert conversation.usage == (read, seen["output"])
        if not calls:
            break
        assert [(name, arguments) for _, name, arguments in calls] == [("get_weather", {"city": "Paris"})] * len(calls)
    assert rounds == 3 and text.startswith("After 2 tool results: the task is done.")
    # The provider saw each call with its result, in its own dialect.
    sent = json.dumps(gateway.sent())
    assert sent.count("18 degrees") == 2


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_signed_thinking_survives_a_loop_through_a_client_of_another_dialect(gateway, client, streams):
    conversation = Conversation(gateway, client, f"messages/{MODEL[MESSAGES]}", streams)
    options = {"reasoning_effort": "high"} if client == CHAT else {"reasoning": {"effort": "high"}}
    while conversation.turn(**options)[1]:
        pass
    sent = gateway.sent()
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"} and sent["output_config"] == {"effort": "high"}
    thoughts = [block for message in sent["messages"] if message["role"] == "assistant" for block in message["content"]
                if block["type"] == "thinking"]
    assert len(thoughts) == 2 and all(thought["thinking"] and thought["signature"] for thought in thoughts)


@pytest.mark.parametrize("client,upstream", PAIRS, ids=[f"{client}-on-{upstream}" for client, upstream in PAIRS])
def test_parallel_tools_arrive_apart(gateway, client, upstream):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", True, **{"x-sim-parallel-tools": "2"})
    _, calls, _ = conversation.turn()
    assert len({call[0] for call in calls}) == len(calls) == 2


def test_what_is_dropped_is_named(gateway):
    raw = gateway.openai().chat.completions.with_raw_response.create(
        model=f"messages/{MODEL[MESSAGES]}", messages=[{"role": "user", "content": ASK}], seed=7, logit_bias={"1": 2})
    assert raw.headers["x-weir-dropped"] == "logit_bias, seed"
    assert "dropped" in gateway.last_turn()["flags"]


def test_what_cannot_be_said_is_refused_in_the_callers_dialect(gateway):
    with pytest.raises(openai.BadRequestError) as refused:
        gateway.openai().chat.completions.create(
            model=f"messages/{MODEL[MESSAGES]}", n=2, messages=[{"role": "user", "content": ASK}])
    assert refused.value.code == "cannot_translate" and refused.value.param == "n"
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        gateway.openai().responses.create(model=f"messages/{MODEL[MESSAGES]}", input=ASK, previous_response_id="resp_1")
    with pytest.raises(anthropic.BadRequestError, match="container"):
        gateway.anthropic().messages.create(
            model=f"chat/{MODEL[CHAT]}", max_tokens=10, messages=[{"role": "user", "content": ASK}],
            extra_body={"container": "c"})
    assert gateway.last_turn()["cost_nano_usd"] == 0


@pytest.mark.parametrize("client,upstream", PAIRS, ids=[f"{client}-on-{upstream}" for client, upstream in PAIRS])
def test_a_providers_refusal_keeps_its_words_and_status(gateway, client, upstream):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", False, **{"x-sim-fault": "status:429"})
    conversation.client.max_retries = 0
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as refused:
        conversation.turn()
    error = json.loads(refused.value.response.text)["error"]
    assert error["message"] and error["type"]
    assert gateway.last_turn()["status"] == 429


@pytest.mark.parametrize("client,upstream", PAIRS, ids=[f"{client}-on-{upstream}" for client, upstream in PAIRS])
def test_a_stream_that_breaks_off_is_no_whole_answer(gateway, client, upstream):
    conversation = Conversation(gateway, client, f"{upstream}/{MODEL[upstream]}", True, **{"x-sim-fault": "cut:3"})
    conversation.client.max_retries = 0
    with pytest.raises(Exception):
        conversation.turn()
    turn = gateway.last_turn()
    assert turn.get("error") == "upstream_truncated", turn
