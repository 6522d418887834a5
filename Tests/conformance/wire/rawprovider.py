"""A provider made of a raw socket: it records each request exactly as it came and answers with whatever bytes a test wants,
in whatever pieces."""

import socket
import threading
import time

from rawhttp import Closed, Reader, chunk_frame, value


class Received:
    """One request as the provider saw it."""

    def __init__(self, line, fields, raw_head, body, connection):
        self.line, self.fields, self.raw_head, self.body, self.connection = line, fields, raw_head, body, connection
        self.method, self.target, self.version = line.split(" ")

    def __getitem__(self, name):
        return value(self.fields, name)

    @property
    def names(self):
        return [name.lower() for name, _ in self.fields]


def plain(body=b"{}", content_type="application/json", status="200 OK", headers=()):
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(pieces, content_type="text/event-stream", headers=(), random=None):
    """A whole answer in the chunked coding."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", *headers, "Transfer-Encoding: chunked"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + chunk_frame(pieces, random)


OK = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5.4-mini","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,'
    b'"total_tokens":2}}'
)


class Provider:
    """Listens on loopback. `answer(request, connection)` sends the answer and gives whether the connection may go on."""

    def __init__(self, tls=None):
        self.requests = []
        self.connections = 0
        self.errors = []
        self.answer = answer_ok
        self.tls = tls
        self._lock = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def forget(self):
        with self._lock:
            self.requests = []

    def wait_for(self, count, seconds=10):
        """The requests, once there are this many."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"the provider got {len(self.requests)} requests, not {count}")
            return list(self.requests)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        try:
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            reader = Reader(connection)
            while True:
                received = self._read(reader, number)
                with self._lock:
                    self.requests.append(received)
                    self._lock.notify_all()
                if not self.answer(received, connection):
                    return
        except Closed as closed:
            if closed.seen:
                self.errors.append(f"half a request: {closed.seen[:200]!r}")
        except OSError as error:
            self.errors.append(f"{error}")
        finally:
            connection.close()

    @staticmethod
    def _read(reader, number):
        line, fields, raw = reader.head()
        coding, length = value(fields, "transfer-encoding"), value(fields, "content-length")
        assert coding is None, "the gateway sends whole bodies with a length"
        body = reader.take(int(length)) if length else b""
        return Received(line, fields, raw, body, number)


def answer_ok(_, connection):
    """A small chat completion."""
    connection.sendall(plain(OK))
    return True


def answering(data, keep=True, pause=0.0):
    """An `answer` that sends these bytes (or pieces, with pauses)."""

    def answer(_, connection):
        for number, piece in enumerate([data] if isinstance(data, bytes) else data):
            if number and pause:
                time.sleep(pause)
            connection.sendall(piece)
        return keep

    return answer
