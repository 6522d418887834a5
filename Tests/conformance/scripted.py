"""A provider whose answers a test writes byte by byte: what comes, in which pieces, and how the connection ends."""

import contextlib
import http.client
import json
import socket
import threading

from raw import PATHS, Answer

ANSWER = {
    "id": "c1", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
WHOLE = json.dumps(ANSWER).encode()


def answer(body=WHOLE, status="200 OK", fields="", kind="application/json"):
    """A whole answer with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


class ScriptedProvider:
    """Serves each request by the script of its model: a function that writes to the connection, and says whether it stays open."""

    def __init__(self, scripts):
        self.scripts = scripts
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as incoming:
            while incoming.readline():
                fields = http.client.parse_headers(incoming)
                model = json.loads(incoming.read(int(fields.get("content-length", 0)))).get("model")
                self.asked.append(model)
                if not self.scripts[model](connection):
                    # `makefile` holds the socket open, and the end must come now.
                    connection.shutdown(socket.SHUT_RDWR)
                    return

    def close(self):
        self.listener.close()

    def configuration(self, name="scripted", more=""):
        """Its lines among the providers, and a price for all its models."""
        return (
            f"  - name: {name}\n    kind: openai-compatible\n    base_url: {self.url}/v1\n    allow_private_addresses: true\n"
            f"    models: [{', '.join(self.scripts)}]\n{more}",
            f"prices:\n  - {{provider: {name}, model: \"*\", input: 10, output: 50}}\n")


class Held:
    """An answer that its provider keeps until a test lets it go."""

    def __init__(self, made):
        self.made = made
        self.may_answer = threading.Event()

    def __call__(self, connection):
        self.may_answer.wait(60)
        connection.sendall(self.made)
        return True


class KeptClient:
    """One connection to the gateway, read strictly: what stands behind an answer is the beginning of the next."""

    def __init__(self, gateway, timeout=20, receive_bytes=None):
        self.key = gateway.key
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", gateway.weir.port))
        self.incoming = self.socket.makefile("rb")

    def send(self, model, dialect="chat", case=None, **more):
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}], **more}).encode()
        self.send_head(len(body), PATHS[dialect], **({"x-weir-tag-case": case} if case else {}))
        self.socket.sendall(body)

    def send_head(self, length, path=PATHS["chat"], key=None, **fields):
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.socket.sendall(
            f"POST {path} HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer {key or self.key}\r\n{lines}"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode())

    def read(self):
        """The next answer, which must be whole."""
        line = self.incoming.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        status = int(line.split()[1])
        headers = {name.lower(): value for name, value in http.client.parse_headers(self.incoming).items()}
        if status < 200 or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(self.chunks())
        else:
            body = self.take(int(headers["content-length"]))
        return Answer(status, headers, body, True)

    def chunks(self):
        while count := int(self.incoming.readline(), 16):
            yield self.take(count)
            assert self.take(2) == b"\r\n"
        assert self.take(2) == b"\r\n"

    def take(self, count):
        came = self.incoming.read(count)
        assert len(came) == count, f"{len(came)} of {count} bytes"
        return came

    def ask(self, model, dialect="chat", case=None, **more):
        """A request and its answer."""
        self.send(model, dialect, case, **more)
        return self.read()

    def is_closed(self):
        """Whether nothing more comes."""
        return self.incoming.read(1) == b""

    def close(self):
        self.incoming.close()
        self.socket.close()
