"""HTTP/1.1 by hand: exact bytes out, exact bytes in, framing read to the letter. Nothing here is lenient or clever, so that
what a test sees is what was on the wire."""

import socket
import ssl
import time


class Closed(Exception):
    """The peer closed; `seen` is what had come before."""

    def __init__(self, seen=b""):
        super().__init__(f"the connection was closed after {seen[:200]!r}")
        self.seen = seen


class Reader:
    """Reads messages from a socket and keeps what belongs to the next one."""

    def __init__(self, connection):
        self.connection = connection
        self.pending = b""

    def more(self):
        data = self.connection.recv(65536)
        if not data:
            raise Closed(self.pending)
        self.pending += data

    def take(self, count):
        while len(self.pending) < count:
            self.more()
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def until(self, mark):
        while mark not in self.pending:
            self.more()
        end = self.pending.index(mark) + len(mark)
        return self.take(end)

    def head(self):
        """The start line, the fields as (name, value) pairs, and the head's own bytes."""
        raw = self.until(b"\r\n\r\n")
        lines = raw[:-4].decode("latin-1").split("\r\n")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), f"malformed field line {line!r}"
            fields.append((name, value.strip(" \t")))
        return lines[0], fields, raw

    def chunked(self):
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0].strip(), 16)
            if size == 0:
                while self.until(b"\r\n") != b"\r\n":
                    pass
                return body
            body += self.take(size)
            assert self.take(2) == b"\r\n"

    def rest(self):
        try:
            while True:
                self.more()
        except Closed:
            taken, self.pending = self.pending, b""
            return taken


def values(fields, name):
    """Every value of a field, in order."""
    return [value for other, value in fields if other.lower() == name.lower()]


def value(fields, name):
    found = values(fields, name)
    assert len(found) < 2, f"{name} stands {len(found)} times"
    return found[0] if found else None


class Response:
    """One answer as it came."""

    def __init__(self, line, fields, raw_head, body, framing):
        self.line, self.fields, self.raw_head, self.body, self.framing = line, fields, raw_head, body, framing
        self.status = int(line.split(" ")[1])

    def __getitem__(self, name):
        return value(self.fields, name)

    @property
    def names(self):
        return [name.lower() for name, _ in self.fields]

    @property
    def id(self):
        return self["x-weir-request-id"]


class Client:
    """One connection to the gateway."""

    def __init__(self, port, timeout=20, tls=None, receive_buffer=None, host="127.0.0.1"):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.reader = Reader(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_pieces(self, pieces, pause=0.0):
        send_pieces(self.socket, pieces, pause)

    def response(self, method="POST"):
        """The next final answer; informational ones are passed over."""
        while True:
            line, fields, raw = self.reader.head()
            assert line.startswith("HTTP/1.1 "), line
            status = int(line.split(" ")[1])
            if status >= 200:
                break
        coding, length = value(fields, "transfer-encoding"), value(fields, "content-length")
        assert coding is None or length is None, "both framings in one answer"
        if method == "HEAD" or status in (204, 304):
            return Response(line, fields, raw, b"", "none")
        if coding:
            assert coding.lower() == "chunked"
            return Response(line, fields, raw, self.reader.chunked(), "chunked")
        if length is not None:
            return Response(line, fields, raw, self.reader.take(int(length)), "length")
        return Response(line, fields, raw, self.reader.rest(), "close")

    def is_closed(self, seconds=5):
        """Whether the gateway closes the connection within this time, with nothing more to say."""
        self.socket.settimeout(seconds)
        try:
            return not self.reader.pending and self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True
        except TimeoutError:
            return False


def send_pieces(connection, pieces, pause=0.0):
    """Sends each piece by itself; a pause lets the peer read it before the next."""
    for piece in pieces:
        connection.sendall(piece)
        if pause:
            time.sleep(pause)


def split(random, data, pieces_max=12):
    """The bytes in random pieces, with the seams anywhere."""
    if len(data) < 2:
        return [data] if data else []
    seams = sorted({random.randrange(1, len(data)) for _ in range(random.randrange(0, pieces_max))})
    return [data[a:b] for a, b in zip([0, *seams], [*seams, len(data)])]


def chunk_frame(pieces, random=None):
    """Pieces in the chunked coding; sizes in either case and with leading zeros, as RFC 9112 allows."""
    out = b""
    for piece in pieces:
        if not piece:
            continue
        size = f"{len(piece):x}"
        if random and random.random() < 0.3:
            size = "0" * random.randrange(1, 4) + size.upper()
        out += size.encode() + b"\r\n" + piece + b"\r\n"
    return out + b"0\r\n\r\n"


def request(key, body=b"", path="/v1/chat/completions", method="POST", headers=(), host="gw.test", length=True):
    """A plain request's bytes. `headers` are lines without their ends."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    lines += headers
    if length and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
