"""Two raw providers behind one gateway with routes, for the tests of routing."""


import contextlib
import socket
import time

import weirkit
from rawprovider import Provider, answer_ok, answering, plain
from wiregateway import gateway

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(text):
    return b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text


USAGE = b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}\n\n'
END = b"data: [DONE]\n\n"
PRICES = """
prices:
  - {provider: first, model: "*", input: "10", output: "10"}
  - {provider: second, model: "*", input: "1", output: "1"}
"""


def provider_lines(name, port, more=""):
    return f"""  - name: {name}
    kind: openai-compatible
    base_url: http://127.0.0.1:{port}/v1
    allow_private_addresses: true
    price_provider: {name}
    models: ["*"]
{more}"""


class Pair:
    """A gateway with routes over two raw providers."""

    def __init__(self, running, first, second):
        self.running, self.first, self.second = running, first, second

    def ask(self, model="pair", stream=False, session=None, more=b"", headers=(), path="/v1/chat/completions", body=None):
        text = body or b'{"model":"%s","stream":%s,"messages":[{"role":"user","content":"hi"}]%s}' % (
            model.encode(), b"true" if stream else b"false", more)
        fields = [*headers, *([f"x-weir-session: {session}"] if session else [])]
        return self.running.call(text, headers=fields, path=path)

    def turn(self, response):
        return self.running.turn(response["x-weir-request-id"])

    def forget(self):
        for one in (self.first, self.second):
            one.forget()
            one.answer = answer_ok

    def served(self):
        return len(self.first.requests), len(self.second.requests)


ROUTES = """
event_loops: 1
routes:
  - model: pair
    first_byte_seconds: 1
    affinity: none
    breaker: {failures_max: 1000, turns_min: 100000}
    deployments: [first/m, second/m]
  - model: long
    affinity: none
    fall_back_on: [server]
    deployments:
      - first/long
      - {to: second/long, only: [context]}
  - model: breaking
    affinity: none
    retries_max: 0
    breaker: {failures_max: 3, open_seconds: 3}
    deployments: [first/n, second/n]
  - model: alone
    retries_max: 1
    deployments: [first/alone]
  - model: dead
    deployments: [nowhere/m, second/m]
  - model: sticky
    pick: weight
    deployments: [{to: first/s, weight: 1}, {to: second/s, weight: 1}]
  - model: small-or-large
    affinity: none
    deployments:
      - {to: first/c, when: {input_tokens: ..500, tools: ..0}}
      - second/c
  - model: hurried
    deadline_seconds: 1
    deployments: [first/h, second/h]
"""


@contextlib.contextmanager
def running_pair():
    """Both providers and the gateway; everything is gone afterwards."""
    first, second = Provider(), Provider()
    lines = provider_lines("first", first.port) + provider_lines("second", second.port)
    lines += provider_lines("nowhere", weirkit.free_port())
    with gateway(lines + PRICES + ROUTES) as running:
        yield Pair(running, first, second)
    first.close()
    second.close()


def reset(_, connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return False


def hang(_, connection):
    time.sleep(3)
    return False


def failing(status, *headers, body=b'{"error":{"message":"no"}}'):
    return answering(plain(body, status=status, headers=headers))


def ready(pair, deployment):
    """Waits until a deployment that rests after a refusal or a limit serves again: by the admin's view of its credentials."""
    def rests():
        for provider in pair.running.weir.json("provider", "list")["data"]:
            for one in provider["deployments"]:
                if one["deployment"] == deployment:
                    return any(credential["state"] == "resting" for credential in one["credentials"])
        return False

    if rests():
        # A model of its own has a state of its own; here the node is told to begin anew.
        pair.running.weir.stop()
        pair.running.weir.start()
