"""OpenCode's requests as they were recorded in shape (`Fixtures/opencode/requests`), sent as they are."""

import dataclasses
import http.client
import json
import pathlib
import urllib.parse

from raw import read_answer

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "Fixtures/opencode"


@dataclasses.dataclass
class Recorded:
    name: str
    shows: str
    version: int
    dialect: str
    path: str
    headers: list
    body: dict
    expected: dict

    def __str__(self):
        return self.name


REQUESTS = [Recorded(file.stem, **json.loads(file.read_text())) for file in sorted((FOLDER / "requests").glob("*.json"))]
BY_NAME = {request.name: request for request in REQUESTS}


def send(gateway, request, key=None, body=None, method="POST", path=None, headers=(), timeout=30):
    """Sends a recorded request with this key; `headers` come on top."""
    place = urllib.parse.urlsplit(gateway.weir.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout)
    data = json.dumps(request.body if body is None else body, separators=(",", ":"), ensure_ascii=False).encode()
    connection.putrequest(method, path or request.path, skip_accept_encoding=True)
    for name, value in [*request.headers, *headers, ("content-length", str(len(data)))]:
        connection.putheader(name, value.replace("{key}", key or gateway.key))
    connection.endheaders(data)
    return read_answer(connection), data
