"""Which header fields cross the gateway, in both directions. Both lists are closed: a field that is neither passed on purpose
nor added on purpose fails these tests."""

import json

import pytest

from rawhttp import request
from rawprovider import answer_ok, answering, plain
from wiregateway import CREDENTIALS

BODY = b'{"model":"gpt-5.4-mini","messages":[]}'
PASSED = [
    "Content-Type: application/json; charset=utf-8",
    "Accept: text/event-stream",
    "USER-AGENT: OpenAI/Python 3.54.0",
    "X-Stainless-Retry-Count: 0",
    "x-stainless-lang: python",
    "OpenAI-Organization: org-1",
    "OpenAI-Project: proj_1",
    "OpenAI-Beta: assistants=v2",
    "anthropic-version: 2026-10-21",
    "anthropic-beta: a-2025-01-01,b-2025-02-02",
    "anthropic-beta: c-2025-03-03",
    "Idempotency-Key: k1",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "baggage: session.id=s1",
    "X-Title: shop",
    "HTTP-Referer: https://example.com",
    "x-app: cli",
    "X-Claude-Code-Session-Id: s1",
    "session-id: s1",
    "x-session-affinity: a1",
    "originator: codex_exec",
    "Accept-Language: de",
    "X-Odd_Name.x!#$%&'*+^`|~: v",
    "X-Empty:",
    'X-Text: J\xfcrgen \t "quoted"',
    "x-request-id: mine",
    'If-None-Match: "e"',
]
REMOVED = [
    "Cookie: session=secret",
    "Forwarded: for=10.0.0.1",
    "Via: 1.1 corp",
    "X-Forwarded-For: 10.0.0.1",
    "X-Forwarded-Host: a",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 1",
    "X-Forwarded-Client-Cert: c",
    "X-Real-IP: 10.0.0.1",
    "Accept-Encoding: gzip, br, zstd",
    "Connection: keep-alive, X-Secret-Hop",
    "X-Secret-Hop: 1",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic eDp5",
    "TE: trailers",
    "Trailer: X-T",
    "Upgrade: h2c",
    "X-Weir-Session: s9",
    "x-weir-repo: github.com/acme/shop",
    "x-weir-tag-ticket: 7",
    "x-weir-anything: 1",
    "Helicone-Session-Id: h",
    "Helicone-Auth: Bearer pk",
    "x-portkey-trace-id: p",
    "x-portkey-api-key: pk-secret",
    "x-litellm-session-id: l",
    "x-agentcc-session-id: c",
]
KEYS = ["x-api-key: KEY", "api-key: KEY", "x-goog-api-key: KEY"]


@pytest.mark.parametrize(
    "path, model, credential",
    [
        ("/v1/chat/completions", "gpt-5.4-mini", f"Authorization: Bearer {CREDENTIALS['RAW_OPENAI']}"),
        ("/v1/messages", "claude-haiku-4-5", f"x-api-key: {CREDENTIALS['RAW_ANTHROPIC']}"),
        ("/v1/chat/completions", "house-1", f"Authorization: Bearer {CREDENTIALS['RAW_OTHER']}"),
    ],
)
def test_request_fields_keep_their_order_and_spelling_and_lose_what_is_nobodys_business(shared, path, model, credential):
    shared.provider.forget()
    shared.provider.answer = answer_ok
    mixed = (
        [line for pair in zip(PASSED, REMOVED) for line in pair]
        + PASSED[len(REMOVED) :]
        + REMOVED[len(PASSED) :]
        + [k.replace("KEY", shared.key) for k in KEYS]
    )
    body = BODY.replace(b"gpt-5.4-mini", model.encode())
    assert shared.call(body, path=path, headers=mixed).status == 200
    received = shared.provider.wait_for(1)[0]
    lines = received.raw_head.decode("latin-1")[:-4].split("\r\n")
    host = f"Host: 127.0.0.1:{shared.provider.port}"
    assert lines == [f"POST {path} HTTP/1.1", host, credential, *PASSED, "Accept-Encoding: identity", f"Content-Length: {len(body)}"]
    assert shared.key not in received.raw_head.decode("latin-1")


def test_no_listed_name_hides_a_field_that_weir_itself_sends(shared):
    shared.provider.forget()
    shared.provider.answer = answer_ok
    shared.call(BODY, headers=["Connection: authorization, host, content-length, close"])
    received = shared.provider.wait_for(1)[0]
    assert (
        received["authorization"] == f"Bearer {CREDENTIALS['RAW_OPENAI']}"
        and received["host"]
        and received["content-length"] == str(len(BODY))
    )


FROM_PROVIDER = [
    "Date: Tue, 24 Nov 2026 10:00:00 GMT",
    "Content-Type: application/json",
    "OpenAI-Organization: org-1",
    "openai-processing-ms: 12",
    "openai-version: 2020-10-01",
    "x-ratelimit-limit-requests: 500",
    "x-ratelimit-remaining-tokens: 10",
    "x-ratelimit-reset-tokens: 6m0s",
    "anthropic-ratelimit-requests-reset: 2026-11-24T10:00:00Z",
    "retry-after: 3",
    "retry-after-ms: 3000",
    "X-Should-Retry: true",
    "Server: cloudflare",
    "CF-RAY: 8a-FRA",
    "Strict-Transport-Security: max-age=1",
    "Cache-Control: no-cache",
    "x-unknown: kept",
    "Vary: a",
    "Vary: b",
    "apim-request-id: z",
    "X-Text: J\xfcrgen",
]
STRIPPED = [
    "Set-Cookie: __cf_bm=secret; path=/",
    "set-cookie: b=2",
    "Connection: keep-alive, X-Hop",
    "X-Hop: 1",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Trailer: X-T",
    "Upgrade: h3",
    'Alt-Svc: h3=":443"',
    "x-weir-deployment: spoofed",
    "X-Weir-Cost-Nano-USD: 0",
    "x-weir-request-id: spoofed",
]
ADDED = [
    "x-weir-request-id",
    "request-id",
    "x-request-id",
    "x-weir-deployment",
    "x-weir-overhead-us",
    "content-length",
    "x-weir-cost-nano-usd",
]


def test_response_fields_pass_but_for_a_closed_list_and_ours_are_added(shared):
    body = b'{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}'
    mixed = [line for pair in zip(FROM_PROVIDER, STRIPPED) for line in pair] + FROM_PROVIDER[len(STRIPPED) :]
    head = "\r\n".join(["HTTP/1.1 200 Fine", *mixed, f"Content-Length: {len(body)}"]).encode("latin-1")
    shared.provider.answer = answering(head + b"\r\n\r\n" + body)
    response = shared.call(BODY)
    lines = response.raw_head.decode("latin-1")[:-4].split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lines[1 : 1 + len(FROM_PROVIDER)] == FROM_PROVIDER
    assert [line.split(":")[0].lower() for line in lines[1 + len(FROM_PROVIDER) :]] == ADDED
    assert response["x-weir-deployment"] == "openai/gpt-5.4-mini"
    assert response["request-id"] == response["x-request-id"] == response["x-weir-request-id"]
    assert int(response["x-weir-cost-nano-usd"]) == shared.turn(response.id)["cost_nano_usd"] == 1000 * 750 + 10 * 4500
    assert int(response["x-weir-overhead-us"]) < 1_000_000


@pytest.mark.parametrize("given", [["x-request-id: req_up"], ["request-id: req_up"], ["request-id: a", "X-Request-ID: req_up"]])
def test_the_providers_own_request_ids_stand(shared, given):
    shared.provider.answer = answering(plain(b"{}", headers=given))
    response = shared.call(BODY)
    for line in given:
        name, text = line.split(": ")
        assert response[name] == text
    assert response["request-id"] and response["x-request-id"]
    assert shared.turn(response.id)["upstream_request_id"] == "req_up"


def test_a_stream_carries_the_same_fields_without_a_cost(shared):
    shared.provider.answer = answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    )
    response = shared.call(b'{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":true}}')
    assert response.names == [
        "content-type",
        "x-weir-request-id",
        "request-id",
        "x-request-id",
        "x-weir-deployment",
        "x-weir-overhead-us",
        "transfer-encoding",
    ]


def test_weirs_own_answers_have_a_closed_list_too(shared):
    refusal = shared.call(b"{}")
    assert refusal.names == ["content-type", "x-should-retry", "x-weir-request-id", "request-id", "x-request-id", "content-length"]
    assert shared.call(method="GET", path="/healthz", body=b"").names == [
        "content-type",
        "x-weir-request-id",
        "request-id",
        "x-request-id",
        "content-length",
    ]


@pytest.mark.parametrize(
    "model", [r"gpt-5.4\r\nX-Injected: 1", r"gpt-5.4\u000aSet-Cookie: a=b", r"gpt-5.4\u0000", r"gpt-\u007f", "gpt-" + "x" * 300]
)
def test_a_model_name_cannot_inject_a_field(shared, model):
    shared.provider.forget()
    response = shared.call(('{"model":"%s"}' % model).encode())
    assert response.status == 404 and json.loads(response.body)["error"]["code"] == "model_not_found"
    assert (
        b"\n" not in response.raw_head.replace(b"\r\n", b"") and "x-injected" not in response.names and "set-cookie" not in response.names
    )
    assert not shared.provider.requests


def test_a_model_name_outside_ascii_is_shown_safely(shared):
    shared.provider.answer = answer_ok
    response = shared.call('{"model":"gpt-grün\u2028x"}'.encode())
    assert response.status == 200 and response["x-weir-deployment"].isascii()


def test_a_path_or_header_of_the_client_is_never_reflected_raw(shared):
    response = shared.call(path="/v1/<script>alert(1)</script>%0d%0aX-Injected:1", headers=["X-A: </script>"])
    assert response.status == 404 and response["content-type"] == "application/json" and "x-injected" not in response.names
