"""HTTP/1.1 to the letter: whatever two parsers could read in two ways is refused, closes the connection, and never reaches the
provider. Each case is a rule of RFC 9112 or a known way to smuggle a second request."""

import json

import pytest

from rawhttp import Client, request
from rawprovider import answer_ok

BODY = b'{"model":"gpt-5.4-mini","messages":[]}'
SMUGGLED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: evil\r\nAuthorization: Bearer x\r\nContent-Length: 0\r\n\r\n"


def raw(*lines, start="POST /v1/chat/completions HTTP/1.1", body=BODY):
    """A head from its lines, the key to be filled in, with the body behind it."""
    return "\r\n".join([start, *lines]).encode("latin-1") + b"\r\n\r\n" + body


HOST, KEY, LENGTH = "Host: gw", "Authorization: Bearer KEY", f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def chunks(body):
    return raw(HOST, KEY, CHUNKED, body=body)


REFUSED = {
    "Content-Length and Transfer-Encoding": (400, raw(HOST, KEY, LENGTH, CHUNKED, body=IN_CHUNKS)),
    "Transfer-Encoding and Content-Length": (400, raw(HOST, KEY, CHUNKED, "Content-Length: 4", body=IN_CHUNKS + SMUGGLED)),
    "two different Content-Length": (400, raw(HOST, KEY, LENGTH, "Content-Length: 0", body=BODY + SMUGGLED)),
    "two equal Content-Length": (400, raw(HOST, KEY, LENGTH, LENGTH)),
    "Content-Length as a list": (400, raw(HOST, KEY, f"Content-Length: {len(BODY)}, {len(BODY)}")),
    "a signed Content-Length": (400, raw(HOST, KEY, f"Content-Length: +{len(BODY)}")),
    "a negative Content-Length": (400, raw(HOST, KEY, "Content-Length: -1")),
    "a hexadecimal Content-Length": (400, raw(HOST, KEY, "Content-Length: 0x26")),
    "an empty Content-Length": (400, raw(HOST, KEY, "Content-Length:")),
    "a Content-Length with a space inside": (400, raw(HOST, KEY, "Content-Length: 3 8")),
    "a Content-Length that overflows": (400, raw(HOST, KEY, "Content-Length: 18446744073709551654")),
    "a Content-Length in other digits": (400, raw(HOST, KEY).replace(b"\r\n\r\n", b"\r\nContent-Length: \xd9\xa3\r\n\r\n", 1)),
    "an unknown transfer coding": (400, raw(HOST, KEY, "Transfer-Encoding: gzip", body=IN_CHUNKS)),
    "two transfer codings": (400, raw(HOST, KEY, "Transfer-Encoding: gzip, chunked", body=IN_CHUNKS)),
    "chunked twice": (400, raw(HOST, KEY, "Transfer-Encoding: chunked, chunked", body=IN_CHUNKS)),
    "two Transfer-Encoding lines": (400, raw(HOST, KEY, CHUNKED, "Transfer-Encoding: identity", body=IN_CHUNKS)),
    "identity": (400, raw(HOST, KEY, "Transfer-Encoding: identity", LENGTH)),
    "xchunked": (400, raw(HOST, KEY, "Transfer-Encoding: xchunked", body=IN_CHUNKS)),
    "chunked with a parameter": (400, raw(HOST, KEY, "Transfer-Encoding: chunked;q=1", body=IN_CHUNKS)),
    "chunked behind a vertical tab": (400, raw(HOST, KEY, "Transfer-Encoding:\x0bchunked", body=IN_CHUNKS)),
    "a folded field": (400, raw(HOST, KEY, "X-A: b", " Content-Length: 0", LENGTH)),
    "a folded Transfer-Encoding": (400, raw(HOST, KEY, "Transfer-Encoding:", "\tchunked", body=IN_CHUNKS)),
    "a first field that begins with a space": (400, raw(" X-A: b", HOST, KEY, LENGTH)),
    "a space before the colon": (400, raw(HOST, KEY, LENGTH.replace(":", " :"))),
    "a tab before the colon": (400, raw(HOST, KEY, "Transfer-Encoding\t: chunked", body=IN_CHUNKS)),
    "a bare LF between fields": (400, raw(HOST + "\nX-A: b", KEY, LENGTH)),
    "a bare LF at the end": (400, raw(HOST, KEY, LENGTH).replace(b"\r\n\r\n", b"\r\n\n", 1)),
    "LF only": (400, raw(HOST, KEY, LENGTH).replace(b"\r\n", b"\n")),
    "a bare CR in a value": (400, raw(HOST, KEY, "X-A: b\rContent-Length: 0", LENGTH)),
    "a bare CR at a line's end": (400, raw(HOST, KEY, "X-A: b\r", LENGTH)),
    "NUL in a value": (400, raw(HOST, KEY, "X-A: b\0c", LENGTH)),
    "NUL in a name": (400, raw(HOST, KEY, "X\0A: b", LENGTH)),
    "a control character in a value": (400, raw(HOST, KEY, "X-A: b\x1bc", LENGTH)),
    "DEL in a value": (400, raw(HOST, KEY, "X-A: b\x7fc", LENGTH)),
    "a field without a colon": (400, raw(HOST, KEY, "X-A", LENGTH)),
    "a field without a name": (400, raw(HOST, KEY, ": b", LENGTH)),
    "a name in quotes": (400, raw(HOST, KEY, '"X-A": b', LENGTH)),
    "a name with a non-ASCII byte": (400, raw(HOST, KEY, "X-\xe4: b", LENGTH)),
    "no Host": (400, raw(KEY, LENGTH)),
    "two Hosts": (400, raw(HOST, "Host: evil", KEY, LENGTH)),
    "two equal Hosts": (400, raw(HOST, HOST, KEY, LENGTH)),
    "absolute form against Host": (400, raw(HOST, KEY, LENGTH, start="POST http://evil/v1/chat/completions HTTP/1.1")),
    "absolute form with a user": (400, raw("Host: gw", KEY, LENGTH, start="POST http://evil@gw/v1/chat/completions HTTP/1.1")),
    "absolute form of another scheme": (400, raw(HOST, KEY, LENGTH, start="POST ftp://gw/v1/chat/completions HTTP/1.1")),
    "authority form": (400, raw(HOST, KEY, start="CONNECT gw:443 HTTP/1.1", body=b"")),
    "asterisk form": (400, raw(HOST, KEY, start="OPTIONS * HTTP/1.1", body=b"")),
    "a fragment": (400, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions#x HTTP/1.1")),
    "a target without a slash": (400, raw(HOST, KEY, LENGTH, start="POST v1/chat/completions HTTP/1.1")),
    "a space in the target": (400, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions x HTTP/1.1")),
    "two spaces": (400, raw(HOST, KEY, LENGTH, start="POST  /v1/chat/completions HTTP/1.1")),
    "a tab in the start line": (400, raw(HOST, KEY, LENGTH, start="POST\t/v1/chat/completions\tHTTP/1.1")),
    "a non-ASCII target": (400, raw(HOST, KEY, LENGTH, start="POST /v1/ch\xe4t HTTP/1.1")),
    "an empty line first": (400, b"\r\n" + raw(HOST, KEY, LENGTH)),
    "no version": (400, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions")),
    "HTTP/0.9": (400, b"GET /\r\n\r\n"),
    "HTTP/1.0": (505, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions HTTP/1.0")),
    "HTTP/1.2": (505, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions HTTP/1.2")),
    "HTTP/2.0": (505, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions HTTP/2.0")),
    "a version in lower case": (400, raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions http/1.1")),
    "the HTTP/2 preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "a TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n" + b"x" * 80 + b"\r\n\r\n"),
    "a method that is no token": (400, raw(HOST, KEY, LENGTH, start="PO(ST /v1/chat/completions HTTP/1.1")),
    "a method of 40 letters": (400, raw(HOST, KEY, LENGTH, start="P" * 40 + " /v1/chat/completions HTTP/1.1")),
    "a header block over the limit": (431, raw(HOST, KEY, "X-A: " + "b" * 70_000, LENGTH)),
    "a header block that never ends": (431, b"GET / HTTP/1.1\r\nX-A: " + b"b" * 70_000),
    "101 fields": (431, raw(HOST, KEY, LENGTH, *[f"X-{i}: b" for i in range(98)])),
    # The chunked coding.
    "a chunk size that is none": (400, chunks(b"zz\r\n" + BODY)),
    "an empty chunk size": (400, chunks(b"\r\n" + BODY)),
    "a negative chunk size": (400, chunks(b"-1\r\n" + BODY)),
    "a chunk size with 0x": (400, chunks(b"0x26\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk size that overflows": (400, chunks(b"FFFFFFFFFFFFFFFF1\r\n" + BODY)),
    "a chunk size of 16 digits": (400, chunks(b"0000000000000026\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "a chunk without its line end": (400, chunks(b"%x\r\n%sX\r\n0\r\n\r\n" % (len(BODY), BODY))),
    "a chunk that is too long": (400, chunks(b"5\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "LF in place of CR LF behind a size": (400, chunks(b"%x\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))),
    "LF in place of CR LF behind a chunk": (400, chunks(b"%x\r\n%s\n0\r\n\r\n" % (len(BODY), BODY))),
    "LF in a chunk extension": (400, chunks(b"%x;a\nb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))),
    "bare CR in a chunk extension": (400, chunks(b"%x;a\rb\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))),
    "a flood of chunk extensions": (400, chunks(b"".join(b"1;" + b"e" * 600 + b"\r\n \r\n" for _ in range(10)) + b"0\r\n\r\n")),
    "a bare LF in the trailers": (400, chunks(b"%x\r\n%s\r\n0\r\nX: y\n\r\n" % (len(BODY), BODY))),
    "trailers over the limit": (400, chunks(b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY) + b"X: " + b"y" * 20_000)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bytes_that_could_mean_two_things_are_refused(shared, name):
    status, data = REFUSED[name]
    shared.provider.forget()
    shared.provider.answer = answer_ok
    with shared.client() as client:
        client.send(data.replace(b"KEY", shared.key.encode()))
        response = client.response()
        assert response.status == status, response.raw_head
        error = json.loads(response.body)["error"]
        assert error["message"].startswith("Weir refused this request: ") and error["code"] == "malformed_request"
        assert response["connection"] == "close"
        assert client.is_closed()
    assert not shared.provider.requests


@pytest.mark.parametrize("name", [name for name, (_, data) in REFUSED.items() if len(data) < 3000])
def test_one_byte_at_a_time_changes_no_refusal(shared, name):
    status, data = REFUSED[name]
    with shared.client() as client:
        try:
            client.send_pieces([bytes([byte]) for byte in data.replace(b"KEY", shared.key.encode())])
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert client.response().status == status


ACCEPTED = {
    "fields in any case": raw("HOST: gw", "aUTHORIZATION: bEARER KEY", f"CONTENT-LENGTH: {len(BODY)}"),
    "white space around values": raw("Host: \t gw \t", KEY, f"Content-Length:{len(BODY)}  "),
    "absolute form that agrees with Host": raw("Host: GW", KEY, LENGTH, start="POST http://gw/v1/chat/completions HTTP/1.1"),
    "absolute form with https": raw("Host: gw:8787", KEY, LENGTH, start="POST https://gw:8787/v1/chat/completions HTTP/1.1"),
    "chunked": chunks(IN_CHUNKS),
    "chunked in capitals": raw(HOST, KEY, "transfer-encoding: CHUNKED", body=IN_CHUNKS),
    "chunk sizes with zeros and extensions": chunks(b"00%X;a=b\r\n%s\r\n0;last\r\nX-T: y\r\n\r\n" % (len(BODY), BODY)),
    "one chunk a byte": chunks(b"".join(b"1\r\n" + BODY[i : i + 1] + b"\r\n" for i in range(len(BODY))) + b"0\r\n\r\n"),
    "obs-text in a value": raw(HOST, KEY, LENGTH, "X-Name: J\xfcrgen"),
    "100 fields": raw(HOST, KEY, LENGTH, *[f"X-{i}: b" for i in range(97)]),
    "a query": raw(HOST, KEY, LENGTH, start="POST /v1/chat/completions?beta=true&x=%20 HTTP/1.1"),
    "an empty field value": raw(HOST, KEY, LENGTH, "X-A:"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_standard_allows_is_served(shared, name):
    shared.provider.forget()
    shared.provider.answer = answer_ok
    data = ACCEPTED[name].replace(b"KEY", shared.key.encode())
    with shared.client() as client:
        client.send(data)
        assert client.response().status == 200
        client.send_pieces([data[i : i + 7] for i in range(0, len(data), 7)])
        assert client.response().status == 200
    for received in shared.provider.wait_for(2):
        assert received.body == BODY and received["content-length"] == str(len(BODY)) and "transfer-encoding" not in received.names
        assert received.target == "/v1/chat/completions" + ("?beta=true&x=%20" if name == "a query" else "")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/chat/completions",
        "/v1/./chat/completions",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/v1/%63hat/completions",
        "/v1/chat%2fcompletions",
        "/V1/chat/completions",
        "/v1/chat/completions;x=1",
        "/v1/chat/completions%00",
        "/v1/chat\\completions",
        "/x/../v1/chat/completions",
        "/v1/responses/../chat/completions",
        "/v1/responses/a%2f..%2fb",
        "/v1/responses/resp_1/../../models",
        "/v1/responses/resp_1/cancel/",
        "/v1/files",
        "/v1/organization/admin_api_keys",
        "/",
    ],
)
def test_a_path_is_matched_as_it_was_sent(shared, path):
    shared.provider.forget()
    response = shared.call(BODY, path=path)
    assert response.status == 404 and json.loads(response.body)["error"]["code"] == "unknown_path"
    assert not shared.provider.requests


@pytest.mark.parametrize(
    "method, path, status, allow",
    [
        ("TRACE", "/v1/chat/completions", 405, "POST"),
        ("GET", "/v1/chat/completions", 405, "POST"),
        ("OPTIONS", "/v1/messages", 405, "POST"),
        ("DELETE", "/v1/messages", 405, "POST"),
        ("post", "/v1/chat/completions", 405, "POST"),
        ("POST", "/v1/models", 405, "GET"),
        ("BREW", "/healthz", 405, "GET, HEAD"),
        ("PUT", "/v1/responses/resp_1", 405, "GET, DELETE"),
    ],
)
def test_other_methods_are_not_allowed(shared, method, path, status, allow):
    shared.provider.forget()
    response = shared.call(b"", path=path, method=method)
    assert (response.status, response["allow"]) == (status, allow)
    assert not shared.provider.requests and shared.key.encode() not in response.body


def test_head_gets_no_body(shared):
    with shared.client() as client:
        client.send(request(None, method="HEAD", path="/healthz"))
        head = client.response("HEAD")
        client.send(request(None, method="GET", path="/healthz"))
        get = client.response("GET")
    assert head.status == get.status == 200 and get.body == b'{"status":"ok"}' and head["content-length"] == get["content-length"]


def test_pipelined_requests_are_answered_in_order(shared):
    shared.provider.forget()
    shared.provider.answer = answer_ok
    with shared.client() as client:
        client.send(
            b"".join(
                [
                    request(shared.key, BODY),
                    request(shared.key, method="GET", path="/v1/models"),
                    request(shared.key, b"{}"),
                    chunks(IN_CHUNKS).replace(b"KEY", shared.key.encode()),
                    request("weir_k_nobody", BODY),
                    request(shared.key, BODY, headers=["Connection: close"]),
                    request(shared.key, BODY),
                ]
            )
        )
        statuses = [client.response().status for _ in range(6)]
        assert statuses == [200, 200, 400, 200, 401, 200]
        assert client.is_closed()
    assert len(shared.provider.requests) == 3


def test_a_refused_body_is_read_past_and_not_read_as_a_request(shared):
    shared.provider.forget()
    shared.provider.answer = answer_ok
    with shared.client() as client:
        client.send(request("weir_k_wrong", SMUGGLED) + request(shared.key, BODY))
        assert client.response().status == 401
        assert client.response().status == 200
    assert [received.body for received in shared.provider.wait_for(1)] == [BODY]


def test_expect_100_continue_is_answered_before_the_body(shared):
    shared.provider.answer = answer_ok
    with shared.client() as client:
        head = request(shared.key, BODY, headers=["Expect: 100-continue"])[: -len(BODY)]
        client.send(head)
        assert client.reader.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(BODY)
        assert client.response().status == 200
        # A refusal that is already certain comes in place of it.
        client.send(head.replace(shared.key.encode(), b"weir_k_wrong"))
        client.send(BODY)
        line, _, _ = client.reader.head()
        assert line.startswith("HTTP/1.1 401 ")


def test_the_connection_serves_on_after_refusals_in_the_dialect(shared):
    shared.provider.answer = answer_ok
    with shared.client() as client:
        for _ in range(3):
            for data, status in [
                (request(shared.key, b"{"), 400),
                (request(shared.key, b'{"model":"nobodys"}'), 404),
                (request(None, BODY), 401),
                (request(shared.key, path="/x"), 404),
                (request(shared.key, method="GET"), 405),
                (request(shared.key, BODY), 200),
            ]:
                client.send(data)
                response = client.response()
                assert response.status == status and response["connection"] is None


def test_a_client_that_says_close_is_closed(shared):
    shared.provider.answer = answer_ok
    with shared.client() as client:
        client.send(request(shared.key, BODY, headers=["Connection: Keep-Alive, CLOSE"]))
        response = client.response()
        assert response.status == 200 and response["connection"] == "close"
        assert client.is_closed()


def test_half_a_request_and_a_hang_up_reach_nobody(shared):
    shared.provider.forget()
    for data in [
        b"POST",
        request(shared.key, BODY)[:-3],
        request(shared.key, BODY)[:60],
        chunks(b"26\r\n{").replace(b"KEY", shared.key.encode()),
    ]:
        with Client(shared.port) as client:
            client.send(data)
    assert shared.call(method="GET", path="/healthz", body=b"").status == 200
    assert not shared.provider.requests


def test_two_keys_in_one_request_are_refused_and_one_in_two_places_is_not(shared):
    shared.provider.answer = answer_ok
    other = shared.weir.key(developer="otto")
    assert shared.call(headers=[f"x-api-key: {other}"]).status == 401
    assert shared.call(headers=[f"x-api-key: {shared.key}", f"api-key: {shared.key}", f"x-goog-api-key: {shared.key}"]).status == 200
    assert shared.call(headers=[f"Authorization: Bearer {other}"]).status == 401
