"""paced_provider: an OpenAI-shaped provider in a thread, that streams events at a steady pace: one write, and with TLS one record, each.

Python is slow, and here that does not matter: only the server between it and the client is counted.
"""

import socket
import ssl
import threading
import time

MODEL = "gpt-5.4-mini"
_HEAD = '{"id":"chatcmpl-counted","object":"chat.completion.chunk","created":1760000000,"model":"%s",' % MODEL
EVENT = "data: " + _HEAD + '"choices":[{"index":0,"delta":{"content":" token of some text"},"finish_reason":null}],"usage":null}\n\n'
_USAGE = '"usage":{"prompt_tokens":1200,"completion_tokens":400,"total_tokens":1600,"prompt_tokens_details":{"cached_tokens":1024}}'
TAIL = (
    "data: " + _HEAD + '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n'
    "data: " + _HEAD + '"choices":[],' + _USAGE + "}\n\ndata: [DONE]\n\n")
DOCUMENT = (
    '{"id":"chatcmpl-counted","object":"chat.completion","created":1760000000,"model":"%s","choices":[{"index":0,"message":'
    '{"role":"assistant","content":"It sorts in place and returns nothing."},"finish_reason":"stop"}],%s}' % (MODEL, _USAGE))


class PacedProvider:
    """Listens until the process ends. A request's `x-chunks` header asks for a stream of so many events."""

    def __init__(self, pace_seconds, certificate=None, private_key=None):
        self.pace = pace_seconds
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.minimum_version = ssl.TLSVersion.TLSv1_3
            self.tls.load_cert_chain(certificate, private_key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            reader = connection.makefile("rb")
            while reader.readline():
                fields = {}
                while (line := reader.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    fields[name.lower()] = value.strip()
                reader.read(int(fields.get(b"content-length", 0)))
                self._answer(connection, int(fields.get(b"x-chunks", 0)))
        except OSError:
            pass

    def _answer(self, connection, chunks):
        if not chunks:
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(DOCUMENT)}\r\n\r\n"
            connection.sendall((head + DOCUMENT).encode())
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        event = f"{len(EVENT):x}\r\n{EVENT}\r\n".encode()
        for _ in range(chunks):
            time.sleep(self.pace)
            connection.sendall(event)
        time.sleep(self.pace)
        connection.sendall(f"{len(TAIL):x}\r\n{TAIL}\r\n0\r\n\r\n".encode())

    def stop(self):
        self.listener.close()
