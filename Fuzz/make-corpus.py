#!/usr/bin/env python3
"""Writes the committed corpora: small inputs that have broken parsers of these formats before. Run it after adding a case."""

import base64
import gzip
import json
import pathlib
import shutil
import struct
import zlib

ROOT = pathlib.Path(__file__).parent / "corpus"

JSON = {
    "object": '{"a":1,"b":[true,false,null],"c":{"d":"e"}}', "array": "[1,2,3]", "scalar": "0", "string": '"x"',
    "spaces": ' \t\r\n{ \t\r\n"a" \t: \r\n1 } \n', "numbers": "[0,-0,1.5,-1.5e+10,2E-3,12345678901234567890123]",
    "escapes": r'{"a\"b\\c\/\b\f\n\r\t\u00e9":"\ud83d\ude00\ud800"}', "escaped_key": r'{"\u006d\u006f\u0064\u0065\u006c":"x"}',
    "duplicate": '{"a":1,"a":2}', "deep": "[" * 128 + "]" * 128, "too_deep": "[" * 129 + "]" * 129,
    "deep_objects": '{"a":' * 64 + "1" + "}" * 64, "trailing_comma": "[1,]", "trailing_comma_object": '{"a":1,}',
    "leading_comma": "[,1]", "two_commas": "[1,,2]", "no_colon": '{"a" 1}', "open_string": '"abc', "open_escape": '"abc\\',
    "open_unicode": '"\\u12', "bad_escape": '"\\x41"', "control": '"a\tb"', "nul": '"a\x00b"', "leading_zero": "[01]",
    "plus": "[+1]", "dot": "[.5,1.]", "exponent": "[1e,1e+]", "words": "[tru,nul,fals]", "nan": "[NaN,Infinity]",
    "two_values": "1 2", "empty": "", "brace": "{", "brackets_cross": '{"a":[}]', "bom": "\ufeff{}",
    "quote_at_word": '{"aaaaaaa\\"":"bbbbbbbbbbbbbbb\\\\"}', "single_quotes": "{'a':1}", "comment": "{}//x",
    "long_string": '"' + "x" * 300 + '"', "utf8": '{"é":"日本語 😀"}', "empty_key": '{"":{"":""}}',
}

CHAT = (
    'data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"usage"},"finish_reason":null}],"usage":null}\n\n'
    'data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":""}}]}}]}\n\n'
    'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}\n\n'
    "data: [DONE]\n\n"
)
ANTHROPIC = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","model":"c","usage":{"input_tokens":9,'
    '"cache_creation_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"output_tokens":1}}}\n\n'
    'event: ping\ndata: {"type":"ping"}\n\n'
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f"}}\n\n'
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12,'
    '"iterations":[{"type":"compaction","input_tokens":5,"output_tokens":2}]}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
RESPONSES = (
    'event: response.created\ndata: {"type":"response.created","response":{"id":"r1","status":"in_progress","usage":null}}\n\n'
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi"}\n\n'
    'event: response.output_item.done\ndata: {"type":"response.output_item.done","item":{"type":"function_call"}}\n\n'
    'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r1","status":"completed","tool_usage":'
    '{"web_search":{"num_requests":2}},"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":3,'
    '"cache_write_tokens_details":{"ttl_12h_tokens":1}},"output_tokens":4}}}\n\n'
)
CHAT_WITHHELD, RESPONSES_BYTE, ANTHROPIC_BYTE = 16, 3, 4
SSE = {
    "chat": (CHAT_WITHHELD, CHAT), "chat_crlf": (CHAT_WITHHELD, CHAT.replace("\n", "\r\n")),
    "chat_cr": (CHAT_WITHHELD, CHAT.replace("\n", "\r")), "chat_no_last_line": (CHAT_WITHHELD, CHAT.rstrip()),
    "chat_limit": (CHAT_WITHHELD | 0x80, CHAT), "completions": (1, 'data: {"id":"x","choices":[{"text":"a"}]}\n\n'),
    "anthropic": (ANTHROPIC_BYTE, ANTHROPIC), "anthropic_no_names": (ANTHROPIC_BYTE, "".join(
        line + "\n" for line in ANTHROPIC.split("\n") if not line.startswith("event"))),
    "anthropic_error": (ANTHROPIC_BYTE, 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'),
    "anthropic_limit": (ANTHROPIC_BYTE | 0x80, ANTHROPIC), "responses": (RESPONSES_BYTE, RESPONSES),
    "responses_failed": (RESPONSES_BYTE, RESPONSES.replace("completed", "failed")),
    "responses_error": (RESPONSES_BYTE, 'event: error\ndata: {"type":"error","code":"x","message":"y"}\n\n'),
    # Both found by the fuzzer: an event behind a line end that was held back, and a byte order mark that was looked at twice.
    "held_line_end": (0x90, "\rdata: " + "x" * 56 + "\r\rdata: {}\r\r"), "bom_crlf": (0, "\ufeff\r\ndata: {}\r\n\r\n"),
    "bom": (0, "\ufeffdata: {}\n\n"), "half_bom": (0, b"\xef\xbb"), "comments": (0, ":\n\n: keep\r\n\r\n:a\rdata:{}\r\r"),
    "data_lines": (0, 'data: {"id":\ndata: "x"}\n\n'), "data_without_value": (0, "data\ndata\n\ndata:\n\n"),
    "only_line_ends": (0, "\r\n\r\r\n\n\r\n\r"), "no_space": (0, 'data:{"error":"text"}\n\n'), "id_retry": (0, "id: 1\nretry: 5\n\n"),
    "done_then_more": (0, "data: [DONE]\n\ndata: {}\n\n"), "error_array": (0, 'data: [{"error":{"code":400,"message":"m"}}]\n\n'),
    "huge": (0, 'data: {"usage":{"prompt_tokens":1e999,"completion_tokens":-9223372036854775808}}\n\n'),
    "huge_responses": (RESPONSES_BYTE, RESPONSES.replace(":3,", ":-9223372036854775808,").replace(":1}", ":9223372036854775807}")),
    "huge_anthropic": (ANTHROPIC_BYTE, ANTHROPIC.replace(":7,", ":99999999999999999999,").replace(":5,", ":-5,")),
    "long_line": (0x80, "data: " + "x" * 200 + "\n\ndata: {}\n\n"), "long_line_cr": (0x80, "data: " + "x" * 200 + "\r\r\ndata: {}\r\r"),
    "document_chat": (8, '{"id":"c","choices":[{"message":{"content":"hi","tool_calls":[{}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}'),
    "document_messages": (ANTHROPIC_BYTE | 8, '{"id":"m","content":[{"type":"tool_use"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}'),
    "document_responses": (RESPONSES_BYTE | 8, '{"id":"r","status":"queued","output":[],"usage":{"input_tokens":1}}'),
    "document_truncated": (8, '{"id":"c","usage":{"prompt_tok'), "empty": (16, ""),
    "utf8": (16, 'data: {"choices":[{"delta":{"content":"日本 \\u00e9"}}]}\n\n'),
}



def message(headers, payload=b"", flip=None, total=None, count=None):
    """One message of an AWS event stream; `headers` are bytes or pairs of texts."""
    if not isinstance(headers, bytes):
        headers = b"".join(
            bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode() for name, value in headers)
    whole = struct.pack(">II", len(headers) + len(payload) + 16 if total is None else total, len(headers) if count is None else count)
    whole += struct.pack(">I", zlib.crc32(whole)) + headers + payload
    whole = bytearray(whole + struct.pack(">I", zlib.crc32(whole)))
    if flip is not None:
        whole[flip] ^= 1
    return bytes(whole)


def event(kind, document, message_type="event"):
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return message([(f":{message_type}-type", kind), (":content-type", "application/json"), (":message-type", message_type)], payload)


def chunk(document):
    return event("chunk", {"bytes": base64.b64encode(json.dumps(document).encode()).decode()})


CONVERSE = b"".join([
    event("messageStart", {"role": "assistant"}), event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}, "p": "ab"}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
    event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}), event("messageStop", {"stopReason": "tool_use"}),
    event("metadata", {"usage": {"inputTokens": 9, "outputTokens": 3, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 5,
                                 "cacheDetails": [{"ttl": "1h", "inputTokens": 5}]}, "metrics": {"latencyMs": 1}}),
])
INVOKE = b"".join(map(chunk, [
    {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "é"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]))
REASONED = b"".join(event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": part}})
                    for part in ({"text": "hm"}, {"signature": "c2ln"}, {"redactedContent": "AAAA"}))
PAYLOAD = 0x80
EVENTSTREAM = {
    "converse": (0, CONVERSE), "invoke": (1, INVOKE), "reasoning": (0, REASONED), "cut": (0, CONVERSE[:-9]), "cut_prelude": (0, CONVERSE[:7]),
    "flipped_prelude": (0, message([("a", "b")], flip=1)), "flipped_header": (0, message([("a", "b")], flip=14)), "flipped_end": (0, message([], b"x", flip=-1)),
    "too_long": (0, message([], total=1 << 31)), "too_short": (0, message([], total=15)), "headers_over_total": (0, message([("a", "b")], count=1 << 20)),
    "twice": (0, message([("a", "b"), ("a", "c")])), "no_name": (0, message(b"\x00\x00")), "unknown_type": (0, message(b"\x01a\x0a")),
    "all_types": (0, message(b"\x01a\x00\x01b\x01\x01c\x02\xff\x01d\x03\x80\x00\x01e\x04\x80\0\0\0\x01f\x05" + b"\x80" + b"\0" * 7
                             + b"\x01g\x06\0\x02\0\xff\x01h\x08" + b"\0" * 8 + b"\x01i\x09" + b"\x07" * 16)),
    "short_value": (0, message(b"\x01a\x07\x00\x09b")), "high_bytes": (0, message([(":message-type", "event")]) + message(b"\x01\xff\x07\x00\x01\xff")),
    "exception": (0, CONVERSE[:200] + event("throttlingException", {"message": "slow"}, "exception")),
    "error": (0, message([(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "no")])),
    "empty": (0, b""), "huge_numbers": (0, event("metadata", b'{"usage":{"inputTokens":1e999,"outputTokens":-5,"cacheDetails":[{"inputTokens":9e18},{"inputTokens":9e18}]}}')),
    "many_headers": (0, message([(f"h{n}", "") for n in range(70)])), "bad_chunk": (1, event("chunk", {"bytes": "!"}) + event("chunk", {"bytes": "AA"})),
    "vendor_chunk": (1, chunk({"outputText": "x", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 4}})),
    "payload_delta": (PAYLOAD, '{"delta":{"text":"x"},"contentBlockIndex":-1}'), "payload_metadata": (PAYLOAD | 3, '{"usage":{"inputTokens":3}}'),
    "payload_chunk": (PAYLOAD | 4, '{"bytes":"e30="}'), "payload_no_json": (PAYLOAD | 2, "{"),
}

GET = "GET /v1/models HTTP/1.1\r\nHost: a\r\n"
POST = "POST /v1/responses HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HTTP = {
    "get": GET + "\r\n", "query": "GET /a?b=c#d HTTP/1.1\r\nHost: a\r\n\r\n", "post": POST + "5\r\nhello\r\n0\r\n\r\n",
    "chunk_extension": POST + '5;a=b;c="d e"\r\nhello\r\n0\r\n\r\n', "chunk_trailers": POST + "0\r\nX: y\r\nZ:\r\n\r\n",
    "chunk_upper": POST + "A\r\n0123456789\r\n00\r\n\r\n", "chunk_long_size": POST + "fffffffffffffffff\r\n",
    "chunk_no_size": POST + "\r\n", "chunk_minus": POST + "-1\r\n", "chunk_0x": POST + "0x5\r\nhello\r\n",
    "chunk_bare_lf": POST + "5\nhello\n0\n\n", "chunk_short": POST + "5\r\nhell0\r\n\r\n", "chunk_space": POST + "5 \r\nhello\r\n0\r\n\r\n",
    "chunk_ext_flood": POST + "5;" + "x" * 5000 + "\r\nhello\r\n", "trailer_bare_cr": POST + "0\r\nX: a\rb\r\n\r\n",
    "chunk_ext_open_quote": POST + '5;a="b\r\nhello\r\n0\r\n\r\n', "chunk_ext_empty": POST + "5;\r\nhello\r\n0\r\n\r\n",
    "chunk_ext_space": POST + "5;a b\r\nhello\r\n0\r\n\r\n", "chunk_ext_pair": POST + '5;a="\\""\r\nhello\r\n0\r\n\r\n',
    "trailer_te": POST + "0\r\nTransfer-Encoding: chunked\r\n\r\n", "trailer_cl": POST + "0\r\ncontent-length: 5\r\n\r\n", "trailer_fold": POST + "0\r\nA: b\r\n c\r\n\r\n",
    "te_and_cl": GET + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "two_cl": GET + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "cl_list": GET + "Content-Length: 5, 5\r\n\r\n", "cl_plus": GET + "Content-Length: +5\r\n\r\n", "cl_huge": GET + "Content-Length: 99999999999999999999\r\n\r\n",
    "te_identity": GET + "Transfer-Encoding: identity\r\n\r\n", "te_twice": GET + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "te_list": GET + "Transfer-Encoding: gzip, chunked\r\n\r\n", "te_tab": GET + "Transfer-Encoding:\tchunked\r\n\r\n", "te_vt": GET + "Transfer-Encoding: \x0bchunked\r\n\r\n",
    "fold": GET + "A: b\r\n c\r\n\r\n", "bare_lf": "GET / HTTP/1.1\nHost: a\n\n", "bare_cr": GET + "A: b\rc\r\n\r\n", "nul": GET + "A: b\x00c\r\n\r\n",
    "space_before_colon": GET + "A : b\r\n\r\n", "no_colon": GET + "A\r\n\r\n", "empty_name": GET + ": b\r\n\r\n", "no_host": "GET / HTTP/1.1\r\n\r\n",
    "two_hosts": GET + "Host: b\r\n\r\n", "absolute": "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", "absolute_other": "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute_user": "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", "absolute_bare": "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
    "connect": "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "asterisk": "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "http10": "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "http2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http09": "GET /\r\n\r\n", "lower_version": "GET / http/1.1\r\nHost: a\r\n\r\n", "two_spaces": "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "leading_line": "\r\n" + GET + "\r\n", "high_bytes": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "value_high": b"GET / HTTP/1.1\r\nHost: a\r\nA: \xff\r\n\r\n",
    "connection": GET + "Connection: close, X-A\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n", "response": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "response_no_reason": "HTTP/1.1 204\r\n\r\n", "response_bad_status": "HTTP/1.1 2x0 OK\r\n\r\n", "many_fields": GET + "A: b\r\n" * 120 + "\r\n", "empty": "", "long_target": "GET /" + "a" * 3000,
}

MODEL = '"model":"gpt-5","messages":[{"role":"user","content":"hi"}]'
REQUEST = {
    "chat": (0, "{" + MODEL + "}"), "stream": (0, "{" + MODEL + ',"stream":true}'), "options": (0, "{" + MODEL + ',"stream":true,"stream_options":{}}'),
    "options_null": (0, "{" + MODEL + ',"stream":true,"stream_options":null}'), "options_false": (0, "{" + MODEL + ',"stream_options":{"include_usage":false},"stream":true}'),
    "options_true": (0, "{" + MODEL + ',"stream_options":{"include_usage":true},"stream":true}'), "options_other": (0, "{" + MODEL + ',"stream":true,"stream_options":{"include_obfuscation":false} } '),
    "options_twice": (0, "{" + MODEL + ',"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}'), "options_text": (0, "{" + MODEL + ',"stream":true,"stream_options":"x"}'),
    "model_twice": (0, '{"model":"a","model":"b"}'), "model_case": (0, '{"model":"a","Model":"b"}'), "model_escaped": (0, r'{"model":"a","mod\u0065l":"b"}'),
    "model_only_escaped": (0, r'{"\u006dodel":"a\u002fb"}'), "model_case_escaped": (0, r'{"\u004dodel":"a"}'), "long_s": (0, '{"model":"a","ſtream":true}'),
    "kelvin": (0, '{"model":"a","max_toKens":1}'), "model_number": (0, '{"model":1}'), "model_empty": (0, '{"model":""}'), "no_model": (0, "{}"), "array": (0, "[]"),
    "max_tokens": (4, '{"model":"claude","max_tokens":9223372036854775807,"n":-1}'), "metadata": (4, '{"model":"c","metadata":{"user_id":"{\\"session_id\\":\\"s\\"}"}}'),
    "responses": (3, '{"model":"m","input":"hi","stream":true,"background":true,"previous_response_id":"resp_1"}'), "client_metadata": (3, '{"model":"m","client_metadata":{"x-codex-turn-metadata":"{}"}}'),
    "key_labels": (0, "repo=https%3A//u:p@h.example/a/b.git&branch=f%C3%A9/x+y&commit=4c1f&session=s&parent=p&agent=a"),
    "key_labels_odd": (0, "&&=&repo=..&branch=%&branch=%zz&branch=%0A&commit=%FF&repo=a/b&session=%C2%9B&agent"),
    "key_labels_encoded": (0, "cmVwbz1hY21lL3Nob3AmYnJhbmNoPW1haW4"),
    "embeddings": (2, '{"model":"e","input":["a","b"]}'), "completions": (1, '{"model":"m","prompt":"x","stream":true}'), "deep": (0, '{"model":"m","x":' + "[" * 200 + "]" * 200 + "}"),
    "truncated": (0, '{"model":"m","messages":[{"role"'), "trailing": (0, '{"model":"m"}{}'), "remote": (0, "https://user:secret@GitHub.com/acme/shop.git"),
    "scp": (0, "git@github.com:acme/shop.git"), "codex": (0, '{"workspaces":{"/home/me/shop":{"associated_remote_urls":{"origin":"git@github.com:acme/shop"}}}}'),
    "utf8": (0, '{"model":"m","messages":[{"role":"user","content":"日本"}]}'), "control_in_model": (0, r'{"model":"a\u0000b"}'),
}


def record(seq, kind="turn.sent", **more):
    return json.dumps({"v": 1, "kind": kind, "time": "2026-11-24T10:00:00.000000Z", "node": "n", "boot": "b", "seq": seq, **more})


LINES = "\n".join(record(n) for n in range(1, 8))
AS_IT_IS, FRAMED, FLIPPED, CUT, TWO = 0, 1, 2, 4, 8
JOURNAL = {
    "good": (FRAMED, LINES), "two_segments": (FRAMED | TWO, LINES), "flipped": (FRAMED | FLIPPED, LINES), "cut": (FRAMED | CUT, LINES),
    "all_faults": (FRAMED | FLIPPED | CUT | TWO, LINES), "gap": (FRAMED, record(1) + "\n" + record(3)), "again": (FRAMED, record(1) + "\n" + record(1)),
    "backwards": (FRAMED, record(2) + "\n" + record(1)), "late_start": (FRAMED, record(7) + "\n" + record(8)), "zero": (FRAMED, record(0)), "negative": (FRAMED, record(-1)),
    "least": (FRAMED, record(-(2**63))), "most": (FRAMED, record(2**63 - 2) + "\n" + record(2**63 - 1)), "overflow": (FRAMED, record(2**63)), "text_seq": (FRAMED, record("1")),
    "no_seq": (FRAMED, '{"v":1}'), "no_json": (FRAMED, "hello"), "unknown_kind": (FRAMED, record(1, "future.kind")), "empty": (FRAMED, ""), "raw_zeros": (AS_IT_IS, b"\0" * 64),
    "raw_long_length": (AS_IT_IS, b"\xff\xff\xff\xff" + b"\0" * 8), "raw_short": (AS_IT_IS, b"\x05\0\0"), "raw_length_over_end": (AS_IT_IS, b"\x40\0\0\0\0\0\0\0{}"),
    "settled": (FRAMED, record(1, "turn.settled", id="019a0000-0000-7000-8000-000000000000", usage={"input": 5}, cost=-1)),
    "kind_number": (FRAMED, record(1).replace('"turn.sent"', "5")), "short_kind": (FRAMED, record(1).replace('"turn.sent"', '""')),
}

IN_JSON, IN_TOML, IN_YAML, IN_DOTENV, IN_BLOCK = range(5)
SETTINGS = {
    "json": (IN_JSON, '{\n  // mine\n  "model": "x", /* y */\n  "provider": {"a": {}},\n}\n'), "json_empty": (IN_JSON, ""), "json_braces": (IN_JSON, "{ \t}"),
    "json_bom_crlf": (IN_JSON, '\ufeff{\r\n\t"env": {"A B": 1}\r\n}'), "json_line_comment_end": (IN_JSON, '{"a":1}//'), "json_twice": (IN_JSON, '{"model":1,"model":{}}'),
    "json_comment_before_brace": (IN_JSON, '{"a":1 // b\n}'), "json_string": (IN_JSON, r'{"\u006dodel":"}//\\"}'), "json_open": (IN_JSON, '{"provider":{"weir":'),
    "json_deep": (IN_JSON, '{"a":' * 140 + "1" + "}" * 140), "json_list": (IN_JSON, "[1]"), "json_surrogate": (IN_JSON, r'{"\ud800\u0041":1}'),
    "toml": (IN_TOML, 'model = "o3" # c\n\n[provider.weir]\nurl = \'x\'\n[[list]]\na = 1\n'), "toml_inline": (IN_TOML, "provider = { weir = { } }\n"),
    "toml_dotted": (IN_TOML, "provider.weir.x = 1\nenv.a = 2"), "toml_long": (IN_TOML, 'a = """\n[provider]\n\\\n """"\nb = \'\'\'\'x\'\'\'\n'),
    "toml_date": (IN_TOML, "d = 1979-05-27 07:32:00\nt = [ 1, # c\n 2 ]\n"), "toml_preface": (IN_TOML, "# a\r\n\r\n[env]\r\n"), "toml_list_in_way": (IN_TOML, "[[provider.weir]]\n"),
    "yaml": (IN_YAML, "# c\nmodel: x   # old\nmodels:\n- name: Weir\n  url: y\n- z\na:\n  b: {c: 1}\n"), "yaml_block": (IN_YAML, "a: |\n  b: c\n\n  d\nmodel: >-\n  x"),
    "yaml_flow": (IN_YAML, "models: []\na: {}\n"), "yaml_nested": (IN_YAML, "models:\n  - - a\n    - b: 1\n      c: 2\n  -\n"), "yaml_documents": (IN_YAML, "---\na: 1\n...\n---\n"),
    "yaml_quotes": (IN_YAML, "\"a\": 'it''s'\n? x\n: y\n"), "yaml_anchor": (IN_YAML, "a: &x 1\nb: *x\n"), "yaml_tab": (IN_YAML, "a:\n\tb: 1\n"), "yaml_dash": (IN_YAML, "-"),
    "yaml_tab_comment": (IN_YAML, "medo:\n  -1\n  \t# c\nx: y\n"),
    "dotenv": (IN_DOTENV, "export KEY='a b' # c\nB=\"x\\n\"\r\n#KEY=1\nKEY=2"), "dotenv_open": (IN_DOTENV, 'KEY="open\nB=1\n'), "dotenv_bare": (IN_DOTENV, "KEY=\n=x\n1A=2"),
    "block": (IN_BLOCK, "a\n# >>> weir >>> x\nb\n# <<< weir <<<\nc"), "block_open": (IN_BLOCK, "# >>> weir >>>\n"), "block_twice": (IN_BLOCK, "# >>> weir >>>\n# >>> weir >>>\n# <<< weir <<<\n"),
    "not_text": (IN_YAML, b"\x02a: \xff\n"),
}


def field(number, value):
    """A protobuf field: bytes, or a small number."""
    if isinstance(value, bytes):
        size, length = len(value), b""
        while size >= 0x80:
            length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + value
    return bytes([number << 3, value])


def attribute(key, value):
    return field(1, key.encode()) + field(2, value)


def otlp(item, resource=b""):
    """One item in one scope of one resource."""
    return field(1, field(1, resource) + field(2, field(1, field(1, b"scope")) + field(2, item)))


LOGS, TRACES, METRICS, AS_JSON, GZIP = 0, 1, 2, 4, 8
CALL = field(12, b"claude_code.api_request") + b"".join(
    field(6, attribute(key, value)) for key, value in [
        ("request_id", field(1, b"req_1")), ("session.id", field(1, b"s")), ("input_tokens", field(3, 12)),
        ("cost_usd", b"\x21" + b"\x00" * 8), ("success", field(2, 1))])
SPAN = field(5, b"chat") + b"\x39" + b"\x01" * 8 + field(9, attribute("gen_ai.operation.name", field(1, b"chat")))
POINT = b"\x11" + b"\x01" * 8 + b"\x21" + b"\x3f" * 8
NESTED = b""
for _ in range(40):
    NESTED = field(5, field(1, NESTED))
LOG_TEXT = ('{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]},"scopeLogs":'
            '[{"scope":{"name":"x"},"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"claude_code.tool_result"},"attributes":'
            '[{"key":"tool_use_id","value":{"stringValue":"t"}},{"key":"success","value":{"stringValue":"true"}}],"traceId":"ab"}]}]}]}')
SPAN_TEXT = ('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"claude_code.llm_request","startTimeUnixNano":1,"endTimeUnixNano":"2",'
             '"attributes":[{"key":"request_id","value":{"stringValue":"a b"}},{"key":"a","value":{"kvlistValue":{"values":[{"key":"b",'
             '"value":{"arrayValue":{"values":[{"bytesValue":"AA=="},{"doubleValue":"NaN"}]}}}]}}}],"status":{"code":2}}]}]}]}')
TELEMETRY = {
    "log": (LOGS, otlp(CALL)), "span": (TRACES, otlp(SPAN)), "tool_span": (TRACES, otlp(SPAN.replace(b"\x04chat", b"\x04tool"))),
    "sum": (METRICS, otlp(field(1, b"m") + field(7, field(1, POINT)))), "histogram": (METRICS, otlp(field(9, field(1, POINT)))),
    "summary": (METRICS, otlp(field(11, field(1, POINT)))), "exponential": (METRICS, otlp(field(10, field(1, POINT)))),
    "log_json": (LOGS | AS_JSON, LOG_TEXT), "span_json": (TRACES | AS_JSON, SPAN_TEXT),
    "metric_json": (METRICS | AS_JSON, '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","unit":"1","sum":{"dataPoints":[{"asInt":"5"}]},'
                    '"histogram":{"dataPoints":[{"count":"3","sum":1.5}]}}]}]}]}'),
    "log_gzip": (LOGS | GZIP, gzip.compress(otlp(CALL), mtime=0)), "json_gzip": (LOGS | AS_JSON | GZIP, gzip.compress(LOG_TEXT.encode(), mtime=0)),
    "bomb": (LOGS | GZIP, gzip.compress(b"\0" * (1 << 20), mtime=0)), "cut_gzip": (LOGS | GZIP, gzip.compress(otlp(CALL), mtime=0)[:-9]),
    "two_members": (LOGS | GZIP, gzip.compress(otlp(CALL), mtime=0) + gzip.compress(otlp(CALL), mtime=0)),
    "deep": (LOGS, otlp(field(5, NESTED))), "deep_json": (LOGS | AS_JSON, '{"resourceLogs":' + '[{"x":' * 130),
    "long_id": (LOGS, otlp(CALL.replace(b"\x0freq_1", b"\x0freq_1"))), "groups": (LOGS, otlp(b"\x0b\x13\x14\x0c")),
    "open_groups": (LOGS, b"\x0b" * 40), "wrong_group_end": (LOGS, b"\x0b\x14"), "long_varint": (LOGS, b"\x08" + b"\xff" * 10 + b"\x01"),
    "field_zero": (LOGS, b"\x00\x00"), "wire_type_7": (LOGS, b"\x0f"), "longer_than_message": (LOGS, b"\x0a\xff\xff\xff\xff\x0f"),
    "empty": (LOGS, b""), "empty_json": (LOGS | AS_JSON, "{}"), "nulls": (LOGS | AS_JSON, '{"resourceLogs":[null,{"resource":null,"scopeLogs":null}]}'),
    "many_values": (LOGS, field(1, field(1, field(1, b"") * 12000))), "huge_numbers": (TRACES | AS_JSON, SPAN_TEXT.replace('"2"', '"18446744073709551615"')),
    "negative_time": (TRACES | AS_JSON, SPAN_TEXT.replace('"2"', "-1")),
}


def write(target, cases):
    folder = ROOT / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, case in cases.items():
        first, text = case if isinstance(case, tuple) else (None, case)
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        (folder / name).write_bytes((b"" if first is None else bytes([first])) + data)


for name, cases in {"json": JSON, "sse": SSE, "eventstream": EVENTSTREAM, "http": HTTP, "request": REQUEST, "journal": JOURNAL, "settings": SETTINGS,
                    "telemetry": TELEMETRY}.items():
    write(name, cases)
    print(f"{name}: {len(cases)} inputs")
