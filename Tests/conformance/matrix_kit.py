"""matrix_kit: a provider that replays the cases of `Fixtures/translation/answers` in any dialect, and what each official SDK makes of
an answer. Warnings are errors: an SDK that is surprised by a shape says so by one."""

import dataclasses
import http.server
import json
import pathlib
import struct
import threading
import warnings
import zlib

CHAT, RESPONSES, MESSAGES, CONVERSE, GEMINI, OLLAMA = (
    "openai_chat", "openai_responses", "anthropic_messages", "bedrock_converse", "gemini", "ollama")
CASES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((pathlib.Path(__file__).parents[2] / "Fixtures/translation/answers").glob("*.json"))}
# Each upstream has a model of its own, so that the ledger shows who served.
MODELS = {
    CHAT: "gpt-5.4-mini", RESPONSES: "gpt-6.1-sol", MESSAGES: "claude-opus-4-8", CONVERSE: "us.anthropic.claude-opus-5-5",
    GEMINI: "gemini-3.5-flash", OLLAMA: "qwen3:8b"}
# USD per million tokens, which is a thousand times as many nano-USD a token.
PRICES = {"input": 10, "cache_read": 1, "cache_write_5m": 12, "cache_write_30m": 13, "output": 20}


def aws_frame(name, payload):
    """One message of an AWS event stream."""
    kind = "exception" if name.endswith("Exception") else "event"
    fields = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    head = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode() for key, value in fields.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def framed(dialect, event):
    if dialect == CONVERSE:
        return aws_frame(event[0], json.dumps(event[1]).encode())
    text = event if isinstance(event, str) else json.dumps(event)
    if dialect == OLLAMA:
        return f"{text}\n".encode()
    name = f"event: {event['type']}\n" if dialect in (MESSAGES, RESPONSES) else ""
    return f"{name}data: {text}\n\n".encode()


KINDS = {CONVERSE: "application/vnd.amazon.eventstream", OLLAMA: "application/x-ndjson"}


class Replay:
    """Answers with the case that `x-sim-case` names, in the dialect of the path."""

    def __init__(self):
        self.bodies = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(replay):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                replay.bodies.append(body)
                if "count" in self.path:
                    self.answer(200, "application/json", json.dumps({"input_tokens": COUNTED, "totalTokens": COUNTED}).encode())
                    return
                dialect, streams = replay.asked(self.path, body)
                name = self.headers.get("x-sim-case", "text")
                recording = CASES[name]["recordings"][dialect]
                if self.headers.get("x-sim-status"):
                    status, answer = int(self.headers["x-sim-status"]), json.dumps(ERRORS[dialect]).encode()
                    kind = "application/json"
                else:
                    status = 200
                    answer = b"".join(framed(dialect, event) for event in recording["stream"]) if streams else (
                        json.dumps(recording["document"]).encode())
                    kind = KINDS.get(dialect, "text/event-stream") if streams else "application/json"
                self.answer(status, kind, answer)

            def answer(self, status, kind, answer):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
        return Handler

    @staticmethod
    def asked(path, body):
        """The dialect of a path, and whether a stream is asked for."""
        path = path.split("?")[0]
        if path.startswith("/model/"):
            return CONVERSE, path.endswith("-stream")
        if ":" in path:
            return GEMINI, path.endswith(":streamGenerateContent")
        dialect = {"/v1/chat/completions": CHAT, "/v1/responses": RESPONSES, "/v1/messages": MESSAGES, "/api/chat": OLLAMA}[path]
        return dialect, body.get("stream", False)


COUNTED = 42
WORDS = "The provider's own words."
ERRORS = {
    CHAT: {"error": {"message": WORDS, "type": "invalid_request_error", "param": None, "code": "bad"}},
    RESPONSES: {"error": {"message": WORDS, "type": "invalid_request_error", "param": "input", "code": "bad"}},
    MESSAGES: {"type": "error", "error": {"type": "invalid_request_error", "message": WORDS}, "request_id": "req_1"},
    CONVERSE: {"message": WORDS},
    GEMINI: {"error": {"code": 400, "message": WORDS, "status": "INVALID_ARGUMENT"}},
    OLLAMA: {"error": WORDS},
}


@dataclasses.dataclass
class Seen:
    """What an SDK made of an answer."""

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    calls: list = dataclasses.field(default_factory=list)
    stop: str = None
    read: int = 0
    output: int = 0


def expected(case, upstream):
    """What the case means, of one upstream."""
    answer = {**case["answer"], **case["recordings"][upstream].get("differs", {})}
    parts = answer["parts"]
    usage = answer.get("usage", {})
    return Seen(
        "".join(part.get("text", "") for part in parts), "".join(part.get("thinking", "") for part in parts),
        "".join(part.get("refusal", "") for part in parts),
        [(part["call"]["name"], part["call"]["arguments"]) for part in parts if "call" in part],
        answer.get("stop"), usage.get("read", 0), usage.get("output", 0)), answer


STOPS = {
    CHAT: {"stop": "end", "tool_calls": "tools", "length": "length", "content_filter": "filtered"},
    MESSAGES: {"end_turn": "end", "tool_use": "tools", "max_tokens": "length", "refusal": "filtered", "stop_sequence": "stop_sequence",
               "model_context_window_exceeded": "context", "pause_turn": "pause"},
    CONVERSE: {"end_turn": "end", "tool_use": "tools", "max_tokens": "length", "content_filtered": "filtered",
               "stop_sequence": "stop_sequence", "model_context_window_exceeded": "context"},
    GEMINI: {"MAX_TOKENS": "length", "SAFETY": "filtered"},
}
# What a client's dialect has no word for.
COARSER = {
    CHAT: {"stop_sequence": "end", "context": "length", "pause": "length"}, CONVERSE: {"pause": "end"},
    GEMINI: {"stop_sequence": "end", "context": "length", "pause": "length"}}
COARSER[RESPONSES] = COARSER[CHAT]


def dumped(model):
    """A model as it is, by its own serialiser, which warns where a value is not of its type."""
    return model.model_dump(mode="json", by_alias=False)


def chat(client, model, streams, headers):
    arguments = dict(model=model, messages=[{"role": "user", "content": "?"}], extra_headers=headers)
    if streams:
        seen, calls = Seen(), {}
        for chunk in client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **arguments):
            dumped(chunk)
            if chunk.usage:
                seen.read, seen.output = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices:
                delta = choice.delta
                seen.text += delta.content or ""
                seen.refusal += delta.refusal or ""
                seen.thinking += getattr(delta, "reasoning_content", None) or ""
                for call in delta.tool_calls or []:
                    one = calls.setdefault(call.index, ["", ""])
                    one[0] += call.function.name or ""
                    one[1] += call.function.arguments or ""
                seen.stop = choice.finish_reason or seen.stop
        seen.calls = [(name, json.loads(text)) for name, text in calls.values()]
        seen.stop = STOPS[CHAT].get(seen.stop)
        return seen
    answer = client.chat.completions.create(**arguments)
    dumped(answer)
    message = answer.choices[0].message
    return Seen(
        message.content or "", getattr(message, "reasoning_content", None) or "", message.refusal or "",
        [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []],
        STOPS[CHAT][answer.choices[0].finish_reason], answer.usage.prompt_tokens, answer.usage.completion_tokens)


def responses(client, model, streams, headers):
    arguments = dict(model=model, input="?", store=False, extra_headers=headers)
    if streams:
        answer, deltas = None, ""
        for event in client.responses.create(stream=True, **arguments):
            dumped(event)
            if event.type == "response.output_text.delta":
                deltas += event.delta
            if event.type == "response.failed":
                raise RuntimeError(event.response.error.message)
            if event.type in ("response.completed", "response.incomplete"):
                answer = event.response
        assert deltas == answer.output_text
    else:
        answer = client.responses.create(**arguments)
        dumped(answer)
        if answer.status == "failed":
            raise RuntimeError(answer.error.message)
    seen = Seen(answer.output_text, read=answer.usage.input_tokens, output=answer.usage.output_tokens)
    for item in answer.output:
        if item.type == "reasoning":
            seen.thinking += "".join(part.text for part in item.summary)
        elif item.type == "function_call":
            seen.calls.append((item.name, json.loads(item.arguments)))
        else:
            seen.refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    seen.stop = {"max_output_tokens": "length", "content_filter": "filtered", None: "tools" if seen.calls else "end"}[reason]
    return seen


def messages(client, model, streams, headers):
    arguments = dict(model=model, max_tokens=900, messages=[{"role": "user", "content": "?"}], extra_headers=headers)
    if streams:
        with client.messages.stream(**arguments) as stream:
            for event in stream:
                dumped(event)
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**arguments)
    dumped(answer)
    usage = answer.usage
    return Seen(
        "".join(block.text for block in answer.content if block.type == "text"),
        "".join(block.thinking for block in answer.content if block.type == "thinking"), "",
        [(block.name, block.input) for block in answer.content if block.type == "tool_use"], STOPS[MESSAGES][answer.stop_reason],
        usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0), usage.output_tokens)


def converse(client, model, streams, headers):
    client.weir_headers = headers
    arguments = dict(modelId=model, messages=[{"role": "user", "content": [{"text": "?"}]}])
    seen, calls, usage = Seen(), {}, {}
    if streams:
        for event in client.converse_stream(**arguments)["stream"]:
            start = event.get("contentBlockStart", {}).get("start", {}).get("toolUse")
            if start:
                calls[event["contentBlockStart"]["contentBlockIndex"]] = [start["name"], ""]
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            seen.text += delta.get("text", "")
            seen.thinking += delta.get("reasoningContent", {}).get("text", "")
            if "toolUse" in delta:
                calls[event["contentBlockDelta"]["contentBlockIndex"]][1] += delta["toolUse"]["input"]
            if "messageStop" in event:
                seen.stop = STOPS[CONVERSE][event["messageStop"]["stopReason"]]
            usage = event.get("metadata", {}).get("usage", usage)
        seen.calls = [(name, json.loads(text)) for name, text in calls.values()]
    else:
        answer = client.converse(**arguments)
        usage, seen.stop = answer["usage"], STOPS[CONVERSE][answer["stopReason"]]
        for block in answer["output"]["message"]["content"]:
            seen.text += block.get("text", "")
            seen.thinking += block.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
            if "toolUse" in block:
                seen.calls.append((block["toolUse"]["name"], block["toolUse"]["input"]))
    seen.read = usage["inputTokens"] + usage["cacheReadInputTokens"] + usage["cacheWriteInputTokens"]
    seen.output = usage["outputTokens"]
    return seen


def gemini(client, model, streams, headers):
    arguments = dict(model=model, contents="?", config={"http_options": {"headers": headers}})
    chunks = list(client.models.generate_content_stream(**arguments)) if streams else [client.models.generate_content(**arguments)]
    seen = Seen()
    for chunk in chunks:
        dumped(chunk)
        for part in chunk.candidates[0].content.parts or []:
            if part.function_call:
                seen.calls.append((part.function_call.name, part.function_call.args))
            elif part.thought:
                seen.thinking += part.text or ""
            else:
                seen.text += part.text or ""
        reason = chunk.candidates[0].finish_reason
        if reason:
            seen.stop = STOPS[GEMINI].get(reason.value) or ("tools" if seen.calls else "end")
    usage = chunks[-1].usage_metadata
    seen.read = usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0)
    seen.output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return seen


SDKS = {CHAT: chat, RESPONSES: responses, MESSAGES: messages, CONVERSE: converse, GEMINI: gemini}


def see(client_dialect, client, model, streams, headers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return SDKS[client_dialect](client, model, streams, headers)
