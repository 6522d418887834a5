"""Bytes as a client without an SDK sees them: what came, and how it ended."""

import dataclasses
import http.client
import json
import urllib.parse

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
MODELS = {"chat": "gpt-5.4", "responses": "gpt-5.4", "messages": "claude-opus-5-5"}


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes
    # Whether the body came to its end as its framing says.
    is_whole: bool


def request_body(dialect, **more):
    if dialect == "responses":
        return {"model": MODELS[dialect], "input": "Say what you did.", "stream": True, **more}
    body = {"model": MODELS[dialect], "messages": [{"role": "user", "content": "Say what you did."}], "stream": True, **more}
    if dialect == "messages":
        return {"max_tokens": 500, **body}
    return {"stream_options": {"include_usage": True}, **body}


def post(url, dialect, key, body=None, timeout=30, **headers):
    """Sends a request and reads as far as the connection lets it."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", PATHS[dialect], json.dumps(body or request_body(dialect)), {
        "Content-Type": "application/json", "Authorization": f"Bearer {key}", **fields})
    return read_answer(connection)


def read_answer(connection):
    """Reads as far as the connection lets it, and closes it."""
    answer = connection.getresponse()
    came = bytearray()
    try:
        while part := answer.read1(65_536):
            came += part
        is_whole = not answer.length
    except (http.client.IncompleteRead, ConnectionError) as error:
        came += getattr(error, "partial", b"")
        is_whole = False
    connection.close()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, bytes(came), is_whole)
