"""Byte identity: whatever the splits and the framing, a client gets the provider's bytes (less the one usage event that it
did not ask for), a provider gets the client's bytes (but for the listed splices), and the ledger reads the fixture's usage."""

import hashlib
import random

import pytest

from wirefixtures import ALL, USAGE_CLASSES
from rawhttp import chunk_frame, request, send_pieces, split, value
from rawprovider import chunked, plain

DIALECTS = sorted({fixture.dialect for fixture in ALL})
FRAMINGS = ["chunked", "length", "close"] * 3


def play(fixture, framing, seed):
    """The provider's `answer`: this fixture in this framing, split at random both in chunks and on the wire."""
    dice = random.Random(seed)
    expected = fixture.expected
    headers = [f"{name}: {text}" for name, text in expected.get("response_headers", {}).items()] + ["openai-version: 2020-10-01"]
    status = f"{expected['status']} Status"
    if framing == "chunked":
        data = chunked(split(dice, fixture.response, 40), expected["content_type"], headers, dice).replace(b"200 OK", status.encode(), 1)
    elif framing == "length":
        data = plain(fixture.response, expected["content_type"], status, headers)
    else:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {expected['content_type']}", *headers, "Connection: close"]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + fixture.response

    def answer(_, connection):
        send_pieces(connection, split(dice, data), 0.0004)
        return framing != "close"

    return answer


def ask(gateway, client, fixture, framing, seed):
    """Sends the fixture's request, split and framed at random, and gives what both sides got."""
    dice = random.Random(seed * 31 + 7)
    gateway.provider.forget()
    gateway.provider.answer = play(fixture, framing, seed)
    if dice.random() < 0.5:
        data = request(gateway.key, fixture.request, fixture.expected["path"], headers=["Content-Type: application/json"])
    else:
        data = request(
            gateway.key,
            path=fixture.expected["path"],
            length=False,
            headers=["Content-Type: application/json", "Transfer-Encoding: chunked"],
        )
        data += chunk_frame(split(dice, fixture.request), dice)
    client.send_pieces(split(dice, data, 6), 0.0004)
    return client.response(), gateway.provider.wait_for(1)[0]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def check_request_body(fixture, got):
    """The one permitted splice: a request for usage behind everything that the client wrote."""
    sent = fixture.request
    if not fixture.gets_usage_injected:
        assert digest(got) == digest(sent)
        return
    start = next((i for i, (a, b) in enumerate(zip(sent, got)) if a != b), min(len(sent), len(got)))
    tail = 0
    while tail < min(len(sent), len(got)) - start and sent[-1 - tail] == got[-1 - tail]:
        tail += 1
    removed, inserted = sent[start : len(sent) - tail], got[start : len(got) - tail]
    assert (removed, inserted) in [
        (b"", b',"stream_options":{"include_usage":true}'),
        (b"", b'"include_usage":true'),
        (b"fals", b"tru"),
        (b"false", b"true"),
    ], (removed, inserted)
    if inserted.startswith(b',"stream_options"'):
        assert sent[start:].strip() == b"}", "the new member stands behind the client's last one"


def check_turn(fixture, turn):
    expected, label = fixture.expected, repr(fixture)
    assert turn["status"] == expected["status"], label
    assert turn["usage_source"] == expected["usage_source"], label
    usage = {name: turn["usage"][name] for name in USAGE_CLASSES if turn["usage"][name]}
    if "usage" in expected:
        assert usage == {name: count for name, count in expected["usage"].items() if count}, label
    for name, count in expected.get("usage_at_least", {}).items():
        assert usage.get(name, 0) >= count, label
    if expected.get("pending"):
        assert not usage and turn["cost_nano_usd"] == turn["reserved_nano_usd"] > 0, label
    elif expected["usage_source"] == "estimated":
        assert usage["input"] > 0, label
    if expected["usage_source"] == "none":
        assert not usage, label
    assert {name: text for name, text in turn["qualifiers"].items() if text} == expected.get("qualifiers", {}), label
    if "error" in expected:
        assert turn["finish_reason"] == expected["error"]["type"], label
    else:
        assert turn.get("finish_reason") == expected.get("finish_reason"), label
    assert turn["tool_calls"] == expected["tool_calls"], label
    assert turn.get("model_served") == expected.get("model_served"), label
    assert turn.get("response_id") == expected.get("response_id"), label
    assert turn.get("error") == expected.get("error_class"), label
    assert set(turn["flags"]) - {"session_inferred", "unpriced", "held"} == set(expected.get("flags", [])), label
    # What a turn without a price reserved counts until it has one, and nothing else does.
    assert ("held" in turn["flags"]) == ("unpriced" in turn["flags"]), label
    assert turn["bytes_in"] == len(fixture.request), label
    assert turn["bytes_out"] == len(fixture.seen_by_client), label
    assert turn["stream"] == fixture.asks_for_stream, label


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_fixture_passes_both_ways_byte_for_byte_and_is_metered(shared, dialect):
    turns = {}
    client = shared.client()
    for number, fixture in enumerate(f for f in ALL if f.dialect == dialect):
        for round_, framing in enumerate(FRAMINGS):
            label = f"{fixture} {framing}"
            response, received = ask(shared, client, fixture, framing, number * 10 + round_)
            assert response.status == fixture.expected["status"], (label, response.body[:300])
            assert digest(response.body) == digest(fixture.seen_by_client), (label, response.body[-300:])
            check_request_body(fixture, received.body)
            assert value(received.fields, "content-length") == str(len(received.body))
            assert received.target == fixture.expected["path"], label
            for name, text in fixture.expected.get("response_headers", {}).items():
                assert response[name] == text, label
            assert response["content-type"] == fixture.expected["content_type"], label
            if not fixture.expected.get("unmetered"):
                turns[response.id] = fixture
    ledger = shared.turns(turns)
    faults = []
    for request_id, fixture in turns.items():
        try:
            check_turn(fixture, ledger[request_id])
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(sorted(set(faults)))


def test_a_stream_in_one_byte_chunks_is_the_same_stream(shared):
    client = shared.client()
    for number, fixture in enumerate(f for f in ALL if f.expected["content_type"] == "text/event-stream" and len(f.response) < 6000):
        shared.provider.forget()

        def answer(_, connection, fixture=fixture):
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            body = b"".join(b"1\r\n" + fixture.response[i : i + 1] + b"\r\n" for i in range(len(fixture.response)))
            connection.sendall(head + body + b"0\r\n\r\n")
            return True

        shared.provider.answer = answer
        client.send(request(shared.key, fixture.request, fixture.expected["path"]))
        assert client.response().body == fixture.seen_by_client, repr(fixture)


@pytest.mark.parametrize(
    "asked, path, body, upstream",
    [
        (
            "fast",
            "/v1/chat/completions",
            b'{ "model" : "fast" ,"messages":[{"role":"user","content":"\\"model\\":\\"fast\\""}]}',
            b'{ "model" : "gpt-5.4-mini" ,"messages":[{"role":"user","content":"\\"model\\":\\"fast\\""}]}',
        ),
        (
            "openai/gpt-5.4-mini",
            "/v1/chat/completions",
            b'{"messages":[],"m\\u006fdel":"openai\\/gpt-5.4-mini","x":{"model":"fast"}}',
            b'{"messages":[],"m\\u006fdel":"gpt-5.4-mini","x":{"model":"fast"}}',
        ),
        (
            "quick",
            "/v1/messages",
            b'{"max_tokens":5,"model":"quick","messages":[]}\n',
            b'{"max_tokens":5,"model":"claude-haiku-4-5","messages":[]}\n',
        ),
        (
            "fast",
            "/v1/responses",
            b'{"model":"f\\u0061st","input":"x","stream":false}',
            b'{"model":"gpt-5.4-mini","input":"x","stream":false}',
        ),
    ],
)
def test_an_alias_is_replaced_in_its_place_and_nowhere_else(shared, asked, path, body, upstream):
    shared.provider.forget()
    shared.provider.answer = lambda _, connection: connection.sendall(plain()) or True
    response = shared.call(body, path=path)
    assert response.status == 200, response.body
    assert shared.provider.wait_for(1)[0].body == upstream
    turn = shared.turn(response.id)
    assert turn["model_asked"] == asked
    assert turn["deployment"].split("/", 1)[1] in upstream.decode()


def test_an_alias_and_the_usage_option_are_spliced_together(shared):
    shared.provider.forget()
    shared.provider.answer = lambda _, connection: connection.sendall(plain()) or True
    shared.call(b'{"stream_options":{"include_obfuscation":false},"stream":true,"model":"fast"}')
    assert (
        shared.provider.wait_for(1)[0].body
        == b'{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true,"model":"gpt-5.4-mini"}'
    )
