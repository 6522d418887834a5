"""OpenCode 2 reads a stream: chat completions, messages, responses. Each function gives a `Read` or raises `Refused`."""

import json

from . import retries
from .sse import Read, Refused, Tool, document, events, typed

FINISH = {
    "stop": "stop", "end": "stop", "length": "length", "content_filter": "content-filter", "function_call": "tool-calls",
    "tool_calls": "tool-calls",
}
MESSAGE_EVENTS = {
    "message", "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
    "content_block_stop", "error",
}


def incomplete(words):
    return Refused(words, is_tried_again=True)


def provider_failure(message, status=None, code=None, body=""):
    """An error inside a stream is judged as an HTTP error is."""
    reason = retries.classify_second(status, message, body, code)
    return Refused(f"{reason}: {message}", is_tried_again=reason in retries.TRIED_AGAIN)


class ChatReader:
    def __init__(self):
        self.read = Read()
        self.tools, self.pending = {}, {}
        self.latest, self.next = None, 0

    def take(self, event):
        error = event.get("error")
        if error is not None:
            typed(error, dict, "error", optional=False)
            message = typed(error.get("message"), str, "error.message", optional=False)
            code = error.get("code")
            raise provider_failure(message, code if isinstance(code, int) else None, body=json.dumps(event))
        choices = typed(event.get("choices"), list, "choices") or []
        choice = typed(choices[0], dict, "choice", optional=False) if choices else {}
        usage = typed(event.get("usage"), dict, "usage") or typed(choice.get("usage"), dict, "choice.usage")
        if usage:
            for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
                typed(usage.get(name), int, f"usage.{name}")
            self.read.usage = usage
        reason = typed(choice.get("finish_reason"), str, "finish_reason")
        delta = typed(choice.get("delta"), dict, "delta") or {}
        calls = typed(delta.get("tool_calls"), list, "tool_calls") or []
        thought = next((delta[name] for name in ("reasoning_content", "reasoning", "reasoning_text") if delta.get(name)), None)
        content = typed(delta.get("content"), str, "content") or typed(delta.get("refusal"), str, "refusal")
        if reason and reason not in FINISH:
            # `error` and words that nobody knows are failures of an unknown kind, which are tried again.
            raise Refused(f"finish_reason {reason}", is_tried_again=True)
        if self.read.finish is not None:
            says = [call for call in calls if call.get("id") or any((call.get("function") or {}).values())]
            if content or thought or delta.get("reasoning_details") or says:
                raise Refused("content after the finish reason")
            return
        self.read.text += content or ""
        self.read.reasoning += thought or ""
        for position, call in enumerate(calls):
            self.take_call(call, position, len(calls))
        if reason:
            self.finish(FINISH[reason])

    def take_call(self, call, position, count):
        function = typed(call.get("function"), dict, "function") or {}
        identity, name = call.get("id") or None, function.get("name") or None
        known = {**self.pending, **self.tools}
        matched = next((index for index, tool in known.items() if identity and tool.id == identity), None)
        fallback = position if count > 1 else (position if self.latest is None else self.latest)
        index = typed(call.get("index"), int, "index")
        if index is None:
            other = known.get(fallback)
            is_new = identity and other and other.id and other.id != identity
            index = matched if matched is not None else self.next if is_new else fallback
        self.latest, self.next = index, max(self.next, index + 1)
        tool = known.get(index) or Tool(None, None)
        tool.id, tool.name = tool.id or identity, tool.name or name
        tool.arguments += function.get("arguments") or ""
        self.pending.pop(index, None)
        (self.tools if tool.id and tool.name else self.pending)[index] = tool

    def finish(self, reason):
        if reason not in ("content-filter", "length"):
            if self.pending:
                raise Refused("a tool call without id or name")
            self.read.tools = list(self.tools.values())
            reason = "tool-calls" if reason == "stop" and self.tools else reason
        self.read.finish = reason


def chat(body, is_whole=True):
    reader = ChatReader()
    for _, data in events(body):
        if data == "[DONE]":
            break
        reader.take(document(data, "OpenAI Chat"))
    else:
        if not is_whole:
            raise incomplete("the connection broke")
    if reader.read.finish is None:
        raise incomplete("OpenAI Chat stream ended without finish_reason")
    return reader.read


def messages(body, is_whole=True):
    read, open_tools, is_over = Read(), {}, False
    signatures = {}
    for name, data in events(body):
        if name not in MESSAGE_EVENTS:
            continue
        event = document(data, "Anthropic Messages")
        kind = typed(event.get("type"), str, "type", optional=False)
        index = typed(event.get("index"), int, "index")
        if is_over and kind in ("message_stop", "error", "content_block_start", "content_block_delta"):
            raise Refused(f"{kind} after the terminal event")
        if kind == "message_start":
            read.usage = {**(read.usage or {}), **((event.get("message") or {}).get("usage") or {})}
        elif kind == "content_block_start":
            block = typed(event.get("content_block"), dict, "content_block") or {}
            if block.get("type") == "tool_use":
                if not block.get("id") or not block.get("name"):
                    raise Refused("a tool call without id or name")
                given = block.get("input")
                open_tools[index] = Tool(block["id"], block["name"], json.dumps(given) if given else "")
            elif block.get("type") == "text":
                read.text += block.get("text") or ""
            elif block.get("type") == "thinking":
                read.reasoning += block.get("thinking") or ""
                if block.get("signature"):
                    signatures[index] = block["signature"]
        elif kind == "content_block_delta":
            delta = typed(event.get("delta"), dict, "delta") or {}
            read.text += typed(delta.get("text"), str, "text") or ""
            read.reasoning += typed(delta.get("thinking"), str, "thinking") or ""
            if delta.get("signature"):
                signatures[index] = delta["signature"]
            if delta.get("type") == "input_json_delta" and index in open_tools:
                open_tools[index].arguments += delta.get("partial_json") or ""
        elif kind == "content_block_stop" and index in open_tools:
            read.tools.append(open_tools.pop(index))
        elif kind == "message_delta":
            read.usage = {**(read.usage or {}), **(typed(event.get("usage"), dict, "usage") or {})}
            read.finish = typed((event.get("delta") or {}).get("stop_reason"), str, "stop_reason")
        elif kind == "message_stop":
            read.tools += open_tools.values()
            is_over = True
        elif kind == "error":
            error = event.get("error") or {}
            words = ": ".join(filter(None, (error.get("type"), error.get("message"))))
            raise provider_failure(words or "stream error", code=error.get("type"))
    if not is_over:
        raise incomplete("the provider response ended unexpectedly" if is_whole else "the connection broke")
    read.signatures = list(signatures.values())
    return read


def responses(body, is_whole=True):
    read, open_tools = Read(), {}
    for _, data in events(body):
        if data == "[DONE]":
            continue
        if read.finish is not None:
            break
        event = document(data, "OpenAI Responses")
        kind = typed(event.get("type"), str, "type", optional=False)
        item = typed(event.get("item"), dict, "item") or {}
        names_item = kind.startswith(("response.output_text.", "response.reasoning", "response.refusal."))
        if names_item and not event.get("item_id") and kind.endswith((".delta", ".added")):
            raise Refused(f"{kind} is missing item_id")
        if item.get("type") == "message" and not item.get("id"):
            raise Refused(f"{kind} message is missing id")
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            read.text += typed(event.get("delta"), str, "delta") or ""
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.reasoning.delta"):
            read.reasoning += typed(event.get("delta"), str, "delta") or ""
        elif kind == "response.output_item.added" and item.get("type") == "function_call" and item.get("id"):
            open_tools[item["id"]] = Tool(item.get("call_id"), item.get("name"), item.get("arguments") or "")
        elif kind == "response.function_call_arguments.delta" and event.get("delta"):
            if event.get("item_id") not in open_tools:
                raise Refused("a tool argument delta without its tool call")
            open_tools[event["item_id"]].arguments += event["delta"]
        elif kind == "response.output_item.done" and item.get("type") == "function_call":
            if not item.get("id") or not item.get("call_id") or not item.get("name"):
                # The client lets such a call fall silently; an agent then waits for nothing.
                raise Refused("a tool call without id or name")
            open_tools.pop(item["id"], None)
            read.tools.append(Tool(item["call_id"], item["name"], item.get("arguments") or ""))
        elif kind in ("response.completed", "response.incomplete"):
            response = typed(event.get("response"), dict, "response") or {}
            read.usage = typed(response.get("usage"), dict, "usage")
            why = (response.get("incomplete_details") or {}).get("reason")
            read.tools += open_tools.values() if kind == "response.completed" else []
            read.finish = why or ("tool-calls" if read.tools else "stop")
        elif kind in ("response.failed", "error"):
            error = event.get("error") or (event.get("response") or {}).get("error") or event
            code, message = error.get("code"), error.get("message")
            raise provider_failure(": ".join(filter(None, (code, message))) or kind, code=code)
    if read.finish is None:
        raise incomplete("the provider response ended unexpectedly" if is_whole else "the connection broke")
    return read


READERS = {"chat": chat, "messages": messages, "responses": responses}
