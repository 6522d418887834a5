"""The model of OpenCode's readers, held against streams made by hand: what it takes and what it must refuse. A checker that
refuses nothing shows nothing."""

import json

import pytest

from opencode_client import first, retries, second
from opencode_client.sse import Refused, events

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def sse(*data, named=False):
    """A body of events; a text is sent as it is."""
    parts = []
    for item in data:
        name = f"event: {item['type']}\n" if named and isinstance(item, dict) else ""
        parts.append(f"{name}data: {item if isinstance(item, str) else json.dumps(item)}\n\n")
    return "".join(parts).encode()


def chunk(delta=None, finish=None, **more):
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more}


def call(index=0, identity=None, name=None, arguments=None):
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"index": index, **({"id": identity, "type": "function"} if identity else {}), "function": function}


def calls(*items):
    return chunk({"tool_calls": list(items)})


START = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
STOP = {"type": "message_stop"}


def block(index, content, *deltas):
    return [{"type": "content_block_start", "index": index, "content_block": content},
            *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": index}]


TEXT_BLOCK = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."})
TOOL_BLOCK = block(1, {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}},
                   {"type": "input_json_delta", "partial_json": '{"a":'}, {"type": "input_json_delta", "partial_json": "1}"})
FUNCTION = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "read", "arguments": '{"a":1}'}
COMPLETED = {"type": "response.completed", "response": {"usage": {"input_tokens": 9, "output_tokens": 3}}}
WORDS = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Done."}

BOTH = {"first": first.READERS, "second": second.READERS}
each_version = pytest.mark.parametrize("version", BOTH)

GOOD = {
    "text, usage behind the finish, [DONE]": (
        "chat", sse(chunk({"role": "assistant", "content": "Do"}), chunk({"content": "ne."}), chunk(finish="stop"),
                    {"choices": [], "usage": USAGE}, "[DONE]")),
    "no [DONE]": ("chat", sse(chunk({"content": "Done."}), chunk(finish="stop", usage=USAGE))),
    "comments, CRLF and an empty last delta": (
        "chat", b": ping\r\n\r\n" + sse(
            chunk({"content": "Done."}), chunk({}, "stop"), {"choices": [], "usage": USAGE}).replace(b"\n", b"\r\n")),
    "message events with names": ("messages", sse(START, *TEXT_BLOCK, {"type": "ping"}, DELTA, STOP, named=True)),
    "message events without names": ("messages", sse(START, *TEXT_BLOCK, DELTA, STOP)),
    "responses": ("responses", sse({"type": "response.created", "response": {"id": "r"}}, WORDS, COMPLETED, named=True)),
}


@each_version
@pytest.mark.parametrize("case", GOOD)
def test_good_streams_are_read(version, case):
    dialect, body = GOOD[case]
    read = BOTH[version][dialect](body)
    assert (read.text, read.tools) == ("Done.", []) and read.finish in ("stop", "end_turn") and read.usage


TOOLS = {
    "chat": ("chat", sse(calls(call(0, "call_1", "read", "")), calls(call(0, arguments='{"a":')), calls(call(0, arguments="1}")),
                         chunk(finish="tool_calls"), {"choices": [], "usage": USAGE})),
    "messages": ("messages", sse(START, *TOOL_BLOCK, {**DELTA, "delta": {"stop_reason": "tool_use"}}, STOP, named=True)),
    "responses": ("responses", sse(
        {"type": "response.output_item.added", "output_index": 0, "item": {**FUNCTION, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": '{"a":1}'},
        {"type": "response.output_item.done", "output_index": 0, "item": FUNCTION}, COMPLETED)),
}


@each_version
@pytest.mark.parametrize("case", TOOLS)
def test_tool_calls_are_put_together(version, case):
    dialect, body = TOOLS[case]
    read = BOTH[version][dialect](body)
    assert [(tool.name, tool.arguments) for tool in read.tools] == [("read", '{"a":1}')]
    assert read.tools[0].id in ("call_1", "toolu_1")
    assert read.finish in ("tool-calls", "tool_calls", "tool_use")


def test_the_second_version_forgives_what_it_says_it_forgives():
    sparse = sse(
        calls({"id": "a", "function": {"name": "read", "arguments": "{"}}, {"id": "b", "function": {"name": "bash", "arguments": "{}"}}),
        calls({"id": "a", "function": {"arguments": "}"}}), chunk(finish="stop"))
    read = second.chat(sparse)
    assert [(tool.id, tool.name, tool.arguments) for tool in read.tools] == [("a", "read", "{}"), ("b", "bash", "{}")]
    assert read.finish == "tool-calls", "a stop with tools is a tool call"
    late = sse(
        calls(call(0, arguments='{"a"')), calls(call(0, "call_1")), calls(call(0, name="read", arguments=":1}")),
        chunk(finish="tool_calls"))
    assert second.chat(late).tools[0].arguments == '{"a":1}'
    cut = sse(calls(call(0, "call_1")), chunk(finish="length"))
    assert second.chat(cut).tools == [], "what was cut by length is no call"


BAD = {
    # name: dialect, body, (the first version sends it again, the second does); None: that version takes it
    "no finish reason": ("chat", sse(chunk({"content": "Do"}), "[DONE]"), (True, True)),
    "content behind the finish": (
        "chat", sse(chunk({"content": "Done."}), chunk(finish="stop"), chunk({"content": " More."})), (None, False)),
    "a tool behind the finish": (
        "chat", sse(chunk({"content": "x"}), chunk(finish="stop"), calls(call(0, "c", "read", "{}"))), (None, False)),
    "a tool without a name": ("chat", sse(calls(call(0, "call_1", None, "{}")), chunk(finish="tool_calls")), (False, False)),
    "a tool without an id": ("chat", sse(calls(call(0, None, "read", "{}")), chunk(finish="tool_calls")), (False, False)),
    "an unknown finish reason": ("chat", sse(chunk({"content": "x"}), chunk(finish="eos")), (None, True)),
    "data that is no JSON": ("chat", sse(chunk({"content": "x"}), "oops", chunk(finish="stop")), (False, False)),
    "content that is a number": ("chat", sse(chunk({"content": 7}), chunk(finish="stop")), (False, False)),
    "a chunk without choices": ("chat", sse({"object": "x"}, chunk(finish="stop")), (False, None)),
    "an error, overloaded": ("chat", sse(chunk({"content": "x"}), {"error": {"message": "busy", "code": 503}}), (False, True)),
    "an error, quota": (
        "chat", sse({"error": {"message": "spent", "code": "insufficient_quota", "type": "insufficient_quota"}}), (False, False)),
    "an error, too fast": (
        "chat", sse({"error": {"message": "slow down", "code": "rate_limit_exceeded", "type": "x"}}), (True, True)),
    "no message_stop": ("messages", sse(START, *TEXT_BLOCK, DELTA, named=True), (None, True)),
    "no message_delta": ("messages", sse(START, *TEXT_BLOCK, named=True), (True, True)),
    "text behind message_stop": ("messages", sse(START, DELTA, STOP, *TEXT_BLOCK, named=True), (None, False)),
    "a tool_use without a name": (
        "messages", sse(START, *block(0, {"type": "tool_use", "id": "t", "input": {}}), DELTA, STOP, named=True), (False, False)),
    "no usage at the start": ("messages", sse({"type": "message_start", "message": {}}, *TEXT_BLOCK, DELTA, STOP), (False, None)),
    "an error event, overloaded": (
        "messages", sse(START, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, named=True), (False, True)),
    "an error event, refused": (
        "messages", sse(START, {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, named=True), (False, False)),
    "no response.completed": ("responses", sse(WORDS), (True, True)),
    "text without its item": ("responses", sse({"type": "response.output_text.delta", "delta": "x"}, COMPLETED), (False, False)),
    "a function call without call_id": (
        "responses", sse({"type": "response.output_item.done", "item": {**FUNCTION, "call_id": None}}, COMPLETED), (False, False)),
    "a failed response": (
        "responses", sse({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "x"}}}), (False, True)),
    "no usage at the end": ("responses", sse(WORDS, {"type": "response.completed", "response": {}}), (False, None)),
}


@pytest.mark.parametrize("place, version", enumerate(BOTH))
@pytest.mark.parametrize("case", BAD)
def test_bad_streams_are_refused(place, version, case):
    dialect, body, tried_again = BAD[case]
    if tried_again[place] is None:
        BOTH[version][dialect](body)
        return
    with pytest.raises(Refused) as caught:
        BOTH[version][dialect](body)
    assert caught.value.is_tried_again == tried_again[place]


@each_version
@pytest.mark.parametrize("dialect", ("chat", "messages", "responses"))
def test_a_broken_connection_is_tried_again(version, dialect):
    whole = {"chat": sse(chunk({"content": "x"})), "messages": sse(START, *TEXT_BLOCK), "responses": sse(WORDS)}[dialect]
    with pytest.raises(Refused) as caught:
        BOTH[version][dialect](whole, is_whole=False)
    assert caught.value.is_tried_again


def test_events_are_framed_as_the_standard_says():
    assert list(events(b"data: a\n\nevent: x\ndata: b\ndata: c\n\n: note\n\ndata: unfinished\n")) == [("message", "a"), ("x", "b\nc")]
    assert list(events("\ufeffdata:a\r\rdata:  b\r\n\r\n".encode())) == [("message", "a"), ("message", " b")]


CLASSES = [
    (402, {"type": "insufficient_quota", "code": "insufficient_quota", "message": "The budget is spent."}, "QuotaExceeded"),
    (402, {"type": "x", "code": "budget", "message": "The budget is spent."}, "UnknownProvider"),
    (429, {"type": "x", "code": "x", "message": "quota exceeded"}, "QuotaExceeded"),
    (429, {"type": "x", "code": "x", "message": "wait"}, "RateLimit"),
    (400, {"type": "x", "code": "x", "message": "Budget; see the safety page."}, "ContentPolicy"),
    (400, {"type": "x", "code": "x", "message": "Budget; no rate limit."}, "RateLimit"),
    (400, {"type": "x", "code": "x", "message": "prompt is too long"}, "ContextOverflow"),
    (400, {"type": "x", "code": "context_length_exceeded", "message": "x"}, "ContextOverflow"),
    (500, {"type": "x", "code": "x", "message": "prompt is too long"}, "ProviderInternal"),
    (401, {"type": "x", "code": "x", "message": "no"}, "Authentication"),
    (403, {"type": "x", "code": "x", "message": "no"}, "Authentication"),
    (413, {"type": "x", "code": "x", "message": "no"}, "PayloadTooLarge"),
    (404, {"type": "x", "code": "x", "message": "no"}, "InvalidRequest"),
    (408, {"type": "x", "code": "x", "message": "no"}, "ProviderInternal"),
    (418, {"type": "x", "code": "x", "message": "no"}, "UnknownProvider"),
]


@pytest.mark.parametrize("status, error, reason", CLASSES)
def test_the_second_version_names_its_reasons(status, error, reason):
    body = json.dumps({"error": error})
    assert retries.classify_second(status, error["message"], body) == reason
    verdict, _, words = retries.judge_second(status, {}, body)
    assert words == error["message"]
    assert (verdict == retries.RETRY) == (reason in ("RateLimit", "ProviderInternal", "UnknownProvider"))
    assert retries.judge_second(status, {"x-should-retry": "true"}, body)[0] == retries.RETRY
    assert retries.judge_second(status, {"x-should-retry": "false"}, body)[0] in (retries.STOP, retries.COMPACT)


@pytest.mark.parametrize("status, provider, verdict", [
    (401, "weir", "stop"), (402, "weir", "stop"), (403, "openai", "stop"), (404, "weir", "stop"), (404, "openai", "retry"),
    (409, "weir", "retry"), (413, "weir", "compact"), (429, "weir", "retry"), (500, "weir", "retry"), (503, "weir", "retry"),
])
def test_the_first_version_goes_by_the_status(status, provider, verdict):
    body = json.dumps({"error": {"message": "no", "type": "x", "code": "x"}})
    assert retries.judge_first(status, {"x-should-retry": "false"}, body, provider) == (verdict, "no")


def test_the_first_version_waits_as_it_is_told_and_at_most_half_a_minute_by_itself():
    assert [retries.delay_first(attempt, {}) for attempt in (1, 2, 3, 5, 9)] == [2, 4, 8, 30, 30]
    assert retries.delay_first(9, {"retry-after": "1"}) == 1
    assert retries.delay_first(9, {"retry-after": "1", "retry-after-ms": "250"}) == 0.25
