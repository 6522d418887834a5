#!/usr/bin/env python3
"""Holds Weir's HTTP readers against llhttp (Node's parser, through httptools) on the fuzz corpora and on mutations of them: what Weir
accepts, llhttp must accept and read alike. The reverse need not hold: Weir refuses more.

    python3 -m venv .venv-fuzz && .venv-fuzz/bin/pip install httptools==0.9.0 && .venv-fuzz/bin/python Fuzz/compare-llhttp.py [COUNT]
"""

import json
import pathlib
import random
import subprocess
import sys

import httptools

ROOT = pathlib.Path(__file__).parent.parent
CORPORA = [ROOT / "Fuzz/corpus/http", ROOT / ".build-fuzz/corpus/http"]


PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"0", b"5", b"a", b"\x00", b"\x7f", b"\xff", b'"', b"=", b"/", b"?", b"Host: a\r\n",
          b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"chunked", b"HTTP/1.1", b"0\r\n\r\n", b"X: y\r\n", b"Connection: close\r\n"]


def mutated(data, choose):
    """A copy with a few pieces put in, taken out, or exchanged."""
    data = bytearray(data)
    for _ in range(choose.randint(1, 3)):
        place = choose.randint(0, len(data))
        kind = choose.randint(0, 2)
        data[place : place + (0 if kind == 0 else choose.randint(1, 4))] = b"" if kind == 1 else choose.choice(PIECES)
    return bytes(data)


class Reading:
    """What llhttp made of one input."""

    def __init__(self, data):
        self.fields, self.body, self.complete, self.head, self.error = [], b"", False, False, None
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except Exception as error:
            self.error = str(error)
        if self.head:
            self.method = parser.get_method().decode()
            self.keeps_alive = parser.should_keep_alive()

    def on_header(self, name, value):
        # Trailers arrive here too; they are no part of the head.
        if not self.head:
            self.fields.append([name.hex(), value.strip(b" \t").hex()])

    def on_headers_complete(self):
        self.head = True

    def on_body(self, body):
        if not self.complete:
            self.body += body

    def on_message_complete(self):
        self.complete = True


def differences(ours, data):
    head = Reading(data[: ours["head"]])
    if "method" in (head.error or "").lower():
        return  # llhttp has a closed list of methods; Weir answers others with 405.
    if not head.head:
        yield f"llhttp refuses the head: {head.error}"
        return
    if head.fields != ours["fields"]:
        yield f"the fields differ: {head.fields}"
    if head.method != ours["method"]:
        yield f"the method differs: {head.method}"
    # llhttp overlooks `close` in some lists of tokens (`close, X-Aket`); closing more than it does is safe.
    if ours["keeps_alive"] and not head.keeps_alive and not any(bytes.fromhex(n).lower() == b"upgrade" for n, _ in ours["fields"]):
        yield "llhttp would close the connection"
    if ours["done"]:
        whole = Reading(data)
        if not whole.complete and b"chunked\t" in data:
            return  # A tab is white space around a value (RFC 9110, section 5.6.3); llhttp refuses it here alone.
        if not whole.complete:
            yield f"llhttp refuses the chunked body: {whole.error}"
        elif whole.body.hex() != ours["payload"]:
            yield f"the payload differs: {whole.body!r}"


def main():
    program = ROOT / ".build-fuzz/compare"
    program.parent.mkdir(exist_ok=True)
    sources = sorted(str(path) for path in (ROOT / "Sources/WireFormat/HTTP").rglob("*.swift"))
    subprocess.run(["swiftc", "-O", "-swift-version", "6", "-package-name", "weir", *sources, str(ROOT / "Fuzz/Compare/main.swift"),
                    "-o", str(program)], check=True)
    seeds = [path.read_bytes() for folder in CORPORA if folder.is_dir() for path in sorted(folder.iterdir())]
    # The committed inputs are mostly valid, the fuzzer's own mostly not; what is accepted is what is compared.
    valid = [path.read_bytes() for path in sorted(CORPORA[0].iterdir()) if path.name != "chunk_ext_flood"]
    choose = random.Random(1)
    inputs = seeds + [mutated(choose.choice(valid if choose.random() < 0.9 else seeds), choose) for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)]
    lines = subprocess.run([program], input="\n".join(data.hex() for data in inputs) + "\n", capture_output=True, text=True, check=True).stdout
    accepted = done = faults = 0
    for data, line in zip(inputs, lines.splitlines(), strict=True):
        ours = json.loads(line)
        if not ours["accepted"]:
            continue
        accepted += 1
        done += ours["done"]
        for fault in differences(ours, data):
            faults += 1
            print(f"{fault}: {data[:300]!r}")
    print(f"{len(inputs)} inputs, {accepted} heads accepted, {done} chunked bodies read, {faults} differences")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
