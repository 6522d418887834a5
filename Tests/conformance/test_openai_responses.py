"""The official OpenAI SDK on the Responses API: created, streamed, read back, continued, compacted, counted."""

import json
import urllib.error
import urllib.request

import openai
import pytest

from listed import assert_turn, cost_nano_usd, nonzero, responses_classes

MODEL = "gpt-6.1-sol"
TOOL = {"type": "function", "name": "get_weather", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}


def test_a_whole_response(gateway):
    raw = gateway.openai(headers={"x-weir-session": "responses-1"}).responses.with_raw_response.create(
        model=MODEL, input="Hello", reasoning={"effort": "medium"})
    answer = raw.parse()
    assert answer.output_text.startswith("The task is done.") and answer.status == "completed"
    assert answer.output[0].type == "reasoning" and answer.output[0].encrypted_content
    turn = gateway.last_turn()
    assert_turn(
        turn, MODEL, responses_classes(answer.usage), endpoint="responses", finish_reason="completed",
        client="openai-python", response_id=answer.id, session={"value": "responses-1", "source": "weir_header"})
    assert turn["usage"]["reasoning"] == 48
    assert raw.headers["x-weir-cost-nano-usd"] == str(turn["cost_nano_usd"])


def test_a_streamed_response_with_the_sdks_own_accumulator(gateway):
    with gateway.openai().responses.stream(model=MODEL, input="Hello", reasoning={"effort": "low"}) as stream:
        events = list(stream)
        answer = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert "response.reasoning_summary_text.delta" in kinds
    assert answer.output_text == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert_turn(
        gateway.last_turn(), MODEL, responses_classes(answer.usage), endpoint="responses", stream=True,
        finish_reason="completed", response_id=answer.id)


def test_parallel_function_calls(gateway):
    client = gateway.openai(headers={"x-sim-parallel-tools": "2"})
    for streams in (False, True):
        made = client.responses.create(model=MODEL, input="Look", tools=[TOOL], stream=streams)
        answer = [event for event in made][-1].response if streams else made
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [("get_weather", {"city": "Paris"})] * 2
        assert_turn(gateway.last_turn(), MODEL, responses_classes(answer.usage), tool_calls=2, stream=streams)


def test_a_loop_of_tools(gateway):
    client, items, rounds = gateway.openai(headers={"x-weir-session": "loop"}), [{"role": "user", "content": "Go"}], 0
    while True:
        answer = client.responses.create(model=MODEL, input=items, tools=[TOOL])
        rounds += 1
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            break
        items += [item.model_dump(exclude_none=True) for item in answer.output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"} for call in calls]
    assert rounds == 3 and answer.output_text.startswith("After 2 tool results")
    assert gateway.read("/sessions/loop")["sessions"][0]["turns"] == 3


def test_a_stored_response_is_read_listed_cancelled_and_deleted_for_nothing(gateway):
    client = gateway.openai()
    made = client.responses.create(model=MODEL, input="Keep this")
    turns = len(gateway.turns(limit=500))
    assert client.responses.retrieve(made.id).output_text == made.output_text
    items = client.responses.input_items.list(made.id).data
    assert items[0].content == "Keep this" or items[0].content[0].text == "Keep this"
    assert client.responses.cancel(made.id).id == made.id
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    assert len(gateway.turns(limit=500)) == turns


def test_nobody_reads_or_continues_anothers_response(gateway):
    made = gateway.openai().responses.create(model=MODEL, input="Mine")
    other = gateway.openai(gateway.weir.key(developer="somebody-else"))
    for attempt in (
            lambda: other.responses.retrieve(made.id), lambda: other.responses.cancel(made.id),
            lambda: other.responses.input_items.list(made.id), lambda: other.responses.delete(made.id),
            lambda: other.responses.create(model=MODEL, input="And?", previous_response_id=made.id)):
        with pytest.raises(openai.NotFoundError, match="no response"):
            attempt()


def test_an_own_response_is_continued_with_another_key_of_the_same_person(gateway):
    made = gateway.openai(gateway.weir.key(developer="zoe")).responses.create(model=MODEL, input="Mine")
    next_one = gateway.openai(gateway.weir.key(developer="zoe")).responses.create(
        model=MODEL, input="And?", previous_response_id=made.id)
    assert next_one.previous_response_id == made.id and gateway.sent()["previous_response_id"] == made.id


def test_a_response_in_the_background_costs_what_was_reserved_for_it(gateway):
    """Its usage comes to nobody who asks once; a row that costs nothing would be a hole in the budget."""
    client = gateway.openai()
    made = client.responses.create(model=MODEL, input="Take your time", background=True, max_output_tokens=2000)
    assert made.status == "queued" and made.usage is None
    turn = gateway.last_turn()
    assert turn["flags"] == ["estimated", "session_inferred"] and turn["usage_source"] == "estimated"
    assert turn["cost_nano_usd"] == turn["reserved_nano_usd"] >= 2000 * 10_000
    done = client.responses.retrieve(made.id)
    assert done.status == "completed" and done.output_text.startswith("The task is done.")
    assert cost_nano_usd(MODEL, responses_classes(done.usage)) <= turn["cost_nano_usd"]


def test_compaction_is_billed_and_counting_is_not(gateway):
    client = gateway.openai()
    compacted = client.responses.compact(model=MODEL, input=[{"role": "user", "content": "Long. " * 50}])
    assert compacted.object == "response.compaction" and compacted.output[0].type == "compaction"
    turn = gateway.last_turn()
    # A compaction's answer names no model.
    assert_turn(turn, MODEL, responses_classes(compacted.usage), endpoint="responses_compact", model_served=None)
    counted = client.responses.input_tokens.count(model=MODEL, input="How many?")
    assert counted.input_tokens > 0
    assert gateway.last_turn()["request_id"] == turn["request_id"]


def test_the_web_socket_is_refused_so_that_clients_fall_back_at_once(gateway):
    request = urllib.request.Request(f"{gateway.weir.url}/v1/responses", headers={
        "Authorization": f"Bearer {gateway.key}", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 426 and json.load(refusal.value)["error"]["code"] == "websocket_not_supported"


def test_every_class_is_disjoint(gateway):
    client = gateway.openai(headers={"x-sim-input-tokens": "4096"})
    answer = client.responses.create(model=MODEL, input=[
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}])
    usage = gateway.last_turn()["usage"]
    assert nonzero(**usage)["cache_read"] == answer.usage.input_tokens_details.cached_tokens > 0
    assert usage["input"] + usage["cache_read"] == answer.usage.input_tokens == 4096
