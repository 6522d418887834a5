"""OpenCode 1 reads a stream, through the AI SDK's provider packages: `@ai-sdk/openai-compatible`, `@ai-sdk/anthropic` and
`@ai-sdk/openai`. Each function gives a `Read` or raises `Refused`."""

import json

from . import retries
from .sse import Read, Refused, Tool, document, events, typed


def in_stream(error):
    """An error event. The SDK hands on what was sent; OpenCode judges it by its own rules."""
    verdict, words = retries.judge_first_stream(error)
    return Refused(words, is_tried_again=verdict == retries.RETRY)


def chat(body, is_whole=True):
    read, tools = Read(), {}
    for _, data in events(body):
        if data == "[DONE]":
            continue
        event = document(data, "OpenAI Chat")
        if event.get("error") is not None:
            raise in_stream(event)
        choices = typed(event.get("choices"), list, "choices", optional=False)
        read.usage = typed(event.get("usage"), dict, "usage") or read.usage
        if not choices:
            continue
        choice = typed(choices[0], dict, "choice", optional=False)
        read.finish = typed(choice.get("finish_reason"), str, "finish_reason") or read.finish
        delta = typed(choice.get("delta"), dict, "delta") or {}
        if delta.get("role") not in (None, "", "assistant"):
            raise Refused(f"role {delta['role']}")
        read.text += typed(delta.get("content"), str, "content") or ""
        read.reasoning += typed(delta.get("reasoning_content"), str, "reasoning_content") or ""
        for call in typed(delta.get("tool_calls"), list, "tool_calls") or []:
            index = typed(call.get("index"), int, "index")
            index = len(tools) if index is None else index
            function = typed(call.get("function"), dict, "function", optional=False)
            if index not in tools:
                typed(call.get("id"), str, "'id'", optional=False)
                typed(function.get("name"), str, "'function.name'", optional=False)
                tools[index] = Tool(call["id"], function["name"])
            tools[index].arguments += typed(function.get("arguments"), str, "arguments") or ""
    return finished(read, tools.values(), is_whole)


def finished(read, tools, is_whole):
    if not is_whole:
        raise Refused("the connection broke", is_tried_again=True)
    if read.finish is None:
        # The SDK says "unknown", and OpenCode's loop takes that for a reason to call once more.
        raise Refused("no finish reason: the loop calls again", is_tried_again=True)
    for tool in tools:
        arguments(tool)
    read.tools = list(tools)
    return read


def arguments(tool):
    try:
        json.loads(tool.arguments or "{}")
    except ValueError:
        raise Refused(f"tool {tool.name} has arguments that are no JSON") from None


def messages(body, is_whole=True):
    read, blocks, tools = Read(), {}, []
    for _, data in events(body):
        event = document(data, "Anthropic Messages")
        kind = event.get("type")
        if kind == "error":
            raise in_stream(event)
        if kind == "ping":
            continue
        if kind == "message_start":
            usage = typed(event["message"].get("usage"), dict, "usage", optional=False)
            typed(usage.get("input_tokens"), int, "input_tokens", optional=False)
            read.usage = usage
        elif kind == "content_block_start":
            block = typed(event.get("content_block"), dict, "content_block", optional=False)
            index = typed(event.get("index"), int, "index", optional=False)
            if block.get("type") == "tool_use":
                for name in ("id", "name"):
                    typed(block.get(name), str, name, optional=False)
                blocks[index] = Tool(block["id"], block["name"])
                tools.append(blocks[index])
        elif kind == "content_block_delta":
            delta = typed(event.get("delta"), dict, "delta", optional=False)
            index = typed(event.get("index"), int, "index", optional=False)
            if delta.get("type") == "text_delta":
                read.text += typed(delta.get("text"), str, "text", optional=False)
            elif delta.get("type") == "thinking_delta":
                read.reasoning += typed(delta.get("thinking"), str, "thinking", optional=False)
            elif delta.get("type") == "signature_delta":
                read.signatures.append(typed(delta.get("signature"), str, "signature", optional=False))
            elif delta.get("type") == "input_json_delta":
                if index not in blocks:
                    raise Refused("a tool argument delta without its tool call")
                blocks[index].arguments += typed(delta.get("partial_json"), str, "partial_json", optional=False)
        elif kind == "message_delta":
            usage = typed(event.get("usage"), dict, "usage", optional=False)
            typed(usage.get("output_tokens"), int, "output_tokens", optional=False)
            read.usage = {**(read.usage or {}), **usage}
            read.finish = typed(event["delta"].get("stop_reason"), str, "stop_reason")
        elif kind not in ("content_block_stop", "message_stop"):
            raise Refused(f"unknown event {kind}")
    return finished(read, tools, is_whole)


def responses(body, is_whole=True):
    read, tools = Read(), []
    for _, data in events(body):
        if data == "[DONE]":
            continue
        event = document(data, "OpenAI Responses")
        kind = typed(event.get("type"), str, "type", optional=False)
        item = event.get("item") or {}
        if kind == "response.output_text.delta":
            typed(event.get("item_id"), str, "item_id", optional=False)
            read.text += typed(event.get("delta"), str, "delta", optional=False)
        elif kind == "response.reasoning_summary_text.delta":
            read.reasoning += typed(event.get("delta"), str, "delta", optional=False)
        elif kind == "response.output_item.done" and item.get("type") == "function_call":
            for name in ("id", "call_id", "name", "arguments"):
                typed(item.get(name), str, name, optional=False)
            tools.append(Tool(item["call_id"], item["name"], item["arguments"]))
        elif kind in ("response.completed", "response.incomplete"):
            usage = typed(event["response"].get("usage"), dict, "usage", optional=False)
            for name in ("input_tokens", "output_tokens"):
                typed(usage.get(name), int, name, optional=False)
            why = (event["response"].get("incomplete_details") or {}).get("reason")
            read.usage, read.finish = usage, why or ("tool-calls" if tools else "stop")
        elif kind == "response.failed":
            raise in_stream({"error": event["response"].get("error") or {}})
        elif kind == "error":
            raise in_stream({"type": "error", "error": event.get("error") or event})
    return finished(read, tools, is_whole)


READERS = {"chat": chat, "messages": messages, "responses": responses}
