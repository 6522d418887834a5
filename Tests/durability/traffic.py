"""Traffic: sixty-four callers that never give up. Each speaks raw HTTP over its own connection, remembers what it was told, and
connects anew when the gateway dies under it."""

import asyncio
import dataclasses
import json
import random
import threading

GPT, CLAUDE = "gpt-durable", "claude-durable"
REPOSITORIES = [f"github.com/acme/repo-{number}" for number in range(6)]


@dataclasses.dataclass
class Outcome:
    """What a caller knows of one request."""
    request_id: str
    status: int
    #: The whole answer came, its last byte included.
    complete: bool
    cost: int | None
    text: str = ""


def chat(rng, stream):
    turns = [{"role": "user", "content": f"Step {rng.randrange(1000)}: " + "word " * rng.randrange(5, 120)}]
    if rng.random() < 0.4:
        turns = [{"role": "system", "content": "You help. " * 90}, {"role": "user", "content": "First."},
                 {"role": "assistant", "content": "Done."}] + turns
    return "/v1/chat/completions", {"model": GPT, "messages": turns, "stream": stream, "max_tokens": rng.randrange(20, 400)}


def messages(rng, stream):
    path, body = chat(rng, stream)
    return "/v1/messages", dict(body, model=CLAUDE, messages=[turn for turn in body["messages"] if turn["role"] != "system"])


def responses(rng, stream):
    return "/v1/responses", {"model": GPT, "input": "word " * rng.randrange(5, 150), "stream": stream, "max_output_tokens": 300}


def request_bytes(rng, key, number):
    """One request as bytes, and whether its caller will hang up in the middle."""
    path, body = rng.choice([chat, chat, messages, responses])(rng, rng.random() < 0.7)
    text = json.dumps(body).encode()
    headers = {
        "host": "weir", "content-type": "application/json", "authorization": f"Bearer {key}", "content-length": str(len(text)),
        "x-weir-session": f"session-{number}-{rng.randrange(20)}", "x-weir-repo": rng.choice(REPOSITORIES),
        "x-sim-pace-ms": str(rng.randrange(2, 20)), "x-sim-tool-rounds": "0",
    }
    if path == "/v1/messages":
        headers["anthropic-version"] = "2023-06-01"
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return head.encode() + text, rng.random() < 0.03


async def read_head(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return int(head[0].split()[1]), fields


async def read_body(reader, fields):
    """The body, read to its end; raises when it breaks off."""
    if "content-length" in fields:
        return await reader.readexactly(int(fields["content-length"]))
    body = b""
    while True:
        count = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        body += await reader.readexactly(count)
        await reader.readexactly(2)
        if count == 0:
            return body


class Traffic:
    """Callers in a thread of their own, from `start` to `stop`."""

    def __init__(self, port, key, callers=64, seed=1, pause=0.05):
        self.port, self.key, self.callers, self.seed, self.pause = port, key, callers, seed, pause
        self.outcomes = []
        self.refused = 0
        self.in_flight = 0
        self._running = True
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        """Lets each caller end its request, and waits."""
        self._running = False
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "callers hang: a stream never ended"

    async def _run(self):
        await asyncio.gather(*(self._call_on(number) for number in range(self.callers)))

    async def _call_on(self, number):
        rng = random.Random(self.seed * 1000 + number)
        writer = None
        while self._running:
            await asyncio.sleep(rng.random() * 2 * self.pause)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                data, hangs_up = request_bytes(rng, self.key, number)
                keeps = await self._exchange(reader, writer, data, hangs_up)
            except (OSError, asyncio.IncompleteReadError):
                keeps = False
            if not keeps and writer is not None:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()

    async def _exchange(self, reader, writer, data, hangs_up):
        """True when the connection can serve another request."""
        self.in_flight += 1
        try:
            writer.write(data)
            status, fields = await asyncio.wait_for(read_head(reader), 60)
            outcome = Outcome(fields.get("x-weir-request-id", ""), status, False, None)
            self.outcomes.append(outcome)
            if hangs_up and "content-length" not in fields:
                await reader.readuntil(b"\r\n")
                return False
            body = await asyncio.wait_for(read_body(reader, fields), 60)
            outcome.complete = True
            outcome.cost = int(fields["x-weir-cost-nano-usd"]) if "x-weir-cost-nano-usd" in fields else None
            if status >= 400:
                self.refused += 1
                outcome.text = body.decode(errors="replace")
                await asyncio.sleep(0.05)
            return fields.get("connection", "").lower() != "close"
        finally:
            self.in_flight -= 1
