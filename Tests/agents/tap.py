"""A relay on loopback that counts the requests which a program really sends, retries and probes included."""

import re
import socket
import threading

REQUEST_LINE = re.compile(rb"(?:^|\r\n|[}\]\"])((?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S* HTTP/1\.1)\r\n")


class Tap:
    """Bytes go through unchanged. `requests` are the request lines, in the order of their arrival."""

    def __init__(self, port):
        self.requests = []
        # Called once, when the first call of a model has begun to arrive and before any of it goes on.
        self.before_first_post = None
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def posts(self):
        """The calls of a model, without probes."""
        return [line for line in self.requests if line.startswith("POST ")]

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._upstream))
            for source, sink, watched in ((client, server, True), (server, client, False)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._relay, args=(source, sink, watched), daemon=True).start()

    def _relay(self, source, sink, watched):
        tail = b""
        try:
            while data := source.recv(65536):
                if watched:
                    tail = self._watch(tail + data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                end.close()

    def _watch(self, data):
        """Notes the request lines in what came, and gives what a line may still begin in."""
        last = 0
        for found in REQUEST_LINE.finditer(data):
            line = found.group(1).decode()
            self.requests.append(line)
            if line.startswith("POST ") and (hook := self.before_first_post):
                self.before_first_post = None
                hook()
            last = found.end()
        return data[max(last, len(data) - 512):]
