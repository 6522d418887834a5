"""The official OpenAI SDK on chat completions: what it parses, and what lands in the ledger."""

import json

from listed import assert_turn, chat_classes, cost_nano_usd, nonzero

MODEL = "gpt-5.4-mini"
ASK = [{"role": "user", "content": "Say what you did."}]
HEADERS = {"x-weir-session": "chat-1", "x-weir-repo": "https://somebody:secret@github.com/Acme/Shop.git"}


def tool(name):
    return {"type": "function", "function": {
        "name": name, "strict": True, "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
            "additionalProperties": False}}}


def test_a_whole_answer_is_parsed_priced_and_attributed(gateway):
    client = gateway.openai(headers=HEADERS)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
    answer = raw.parse()
    assert answer.choices[0].message.content.startswith("The task is done.")
    assert answer.choices[0].finish_reason == "stop"
    turn = gateway.last_turn()
    assert_turn(
        turn, MODEL, chat_classes(answer.usage), endpoint="chat_completions", stream=False, finish_reason="stop",
        client="openai-python", response_id=answer.id, flags=[], session={"value": "chat-1", "source": "weir_header"},
        repository={"value": "github.com/Acme/Shop", "source": "weir_header"})
    assert raw.headers["x-weir-cost-nano-usd"] == str(turn["cost_nano_usd"])
    assert raw.headers["x-weir-request-id"] == turn["request_id"]
    assert raw.headers["x-request-id"] == turn["upstream_request_id"]
    assert json.loads(turn["raw_usage"])["prompt_tokens"] == answer.usage.prompt_tokens


def test_a_stream_is_parsed_priced_and_attributed(gateway):
    stream = gateway.openai(headers=HEADERS).chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("The task is done.")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert_turn(
        gateway.last_turn(), MODEL, chat_classes(chunks[-1].usage), endpoint="chat_completions", stream=True,
        finish_reason="stop", client="openai-python", flags=[], response_id=chunks[0].id)


def test_who_did_not_ask_for_usage_sees_none_and_is_billed_all_the_same(gateway):
    chunks = list(gateway.openai().chat.completions.create(model=MODEL, messages=ASK, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert gateway.sent()["stream_options"] == {"include_usage": True}
    turn = gateway.last_turn()
    assert turn["usage_source"] == "provider" and turn["flags"] == ["session_inferred"]
    assert turn["cost_nano_usd"] == cost_nano_usd(MODEL, nonzero(**turn["usage"])) > 0


def test_who_declined_usage_sees_none_and_is_billed_all_the_same(gateway):
    chunks = list(gateway.openai().chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": False}))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert gateway.sent()["stream_options"] == {"include_usage": True}
    assert gateway.last_turn()["usage_source"] == "provider"


def test_who_asked_for_usage_sees_it_and_nothing_is_added(gateway):
    chunks = list(gateway.openai().chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.prompt_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert gateway.sent()["stream_options"] == {"include_usage": True}


def test_a_tool_call_is_parsed_and_counted(gateway):
    answer = gateway.openai().chat.completions.create(model=MODEL, messages=ASK, tools=[tool("get_weather")])
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    assert_turn(gateway.last_turn(), MODEL, chat_classes(answer.usage), finish_reason="tool_calls", tool_calls=1)


def test_parallel_tool_calls_stream_to_the_sdks_own_accumulator(gateway):
    client = gateway.openai(headers={"x-sim-parallel-tools": "3"})
    with client.chat.completions.stream(
            model=MODEL, messages=ASK, tools=[tool("get_weather"), tool("read")],
            stream_options={"include_usage": True}) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        answer = stream.get_final_completion()
    calls = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "read", "get_weather"]
    assert len({call.id for call in calls}) == 3 and len(done) == 3
    assert all(json.loads(call.function.arguments) == {"city": "Paris"} for call in calls)
    assert_turn(gateway.last_turn(), MODEL, chat_classes(answer.usage), finish_reason="tool_calls", tool_calls=3)


def test_a_loop_of_tools_is_one_session_with_the_sum_of_its_turns(gateway):
    client = gateway.openai(headers={"x-weir-session": "loop", "x-weir-agent": "build"})
    messages, costs = [{"role": "user", "content": "Look and tell. " * 200}], []
    while True:
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[tool("get_weather")])
        costs.append(cost_nano_usd(MODEL, chat_classes(answer.usage)))
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            break
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "18 degrees"} for call in message.tool_calls]
    assert len(costs) == 3 and answer.choices[0].finish_reason == "stop"
    shown = gateway.read("/sessions/loop")
    session = shown["sessions"][0]
    assert (session["turns"], session["cost_nano_usd"], session["agent"]) == (3, sum(costs), "build")
    assert [turn["cost_nano_usd"] for turn in shown["turns"]] == costs
    assert shown["turns"][-1]["usage"]["cache_read"] > 0


def test_reasoning_passes_and_is_a_part_of_the_output(gateway):
    client = gateway.openai()
    chunks = list(client.chat.completions.create(
        model=MODEL, messages=ASK, reasoning_effort="medium", stream=True, stream_options={"include_usage": True}))
    thoughts = [chunk.choices[0].delta.model_extra.get("reasoning_content") for chunk in chunks if chunk.choices]
    assert "".join(filter(None, thoughts)).startswith("The request is clear")
    usage = chunks[-1].usage
    assert usage.completion_tokens_details.reasoning_tokens == 48
    assert_turn(gateway.last_turn(), MODEL, chat_classes(usage), finish_reason="stop")


def test_the_same_text_twice_without_a_session_is_one_inferred_session(gateway):
    ask = [{"role": "user", "content": "An opener of its own."}]
    for _ in range(2):
        gateway.openai().chat.completions.create(model=MODEL, messages=ask)
    first, second = gateway.turns(limit=2)
    assert first["session"]["source"] == "inferred" and first["session"] == second["session"]


def test_neither_key_nor_labels_of_other_gateways_reach_the_provider(gateway):
    gateway.openai(headers={"Helicone-Session-Id": "h-1", "x-weir-tag-ticket": "W-7"}).chat.completions.create(
        model=MODEL, messages=ASK)
    request = gateway.simulation.requests()[-1]
    names = {name.lower() for name, _ in request["headers"]}
    assert not names & {"authorization", "helicone-session-id", "x-weir-tag-ticket"}
    assert gateway.key not in json.dumps(request)
    turn = gateway.last_turn()
    assert turn["session"] == {"value": "h-1", "source": "foreign"} and turn["tags"] == {"ticket": "W-7"}
