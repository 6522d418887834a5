"""A running gateway as its users see it: the official SDKs in front, the admin API and the command line beside it."""

import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import tempfile
import urllib.parse

import anthropic
import openai

# The SDK loads these when they are first used, and threads that do so at the same time break each other's import.
import openai.resources.chat
import openai.resources.completions
import openai.resources.embeddings
import openai.resources.models
import openai.resources.responses

import weirkit


class Gateway:
    """A Weir and the simulated provider behind it."""

    def __init__(self, weir, simulation):
        self.weir = weir
        self.simulation = simulation

    @property
    def key(self):
        return self.weir.first_key

    def openai(self, key=None, headers=None, **options):
        return openai.OpenAI(
            base_url=f"{self.weir.url}/v1", api_key=key or self.key, default_headers=headers or {}, **options)

    def anthropic(self, key=None, headers=None, **options):
        return anthropic.Anthropic(
            base_url=self.weir.url, api_key=key or self.key, default_headers=headers or {}, **options)

    def admin(self, method, path, body=None):
        """The admin API on its socket: status and document."""
        connection = SocketConnection(str(self.weir.data / "weir.sock"))
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def read(self, path, **query):
        """A document of the admin API."""
        text = f"?{urllib.parse.urlencode(query)}" if query else ""
        status, document = self.admin("GET", path + text)
        assert status == 200, document
        return document

    def turns(self, limit=50):
        """Turns in the ledger, latest first."""
        return self.read("/turns", limit=limit)["data"]

    def last_turn(self):
        return self.turns(limit=1)[0]

    def tagged(self, case):
        """The turns that carry `x-weir-tag-case: case`, oldest first."""
        return [turn for turn in reversed(self.turns(limit=500)) if turn["tags"].get("case") == case]

    def served(self, case):
        """What reached the provider with `x-case: case`, oldest first."""
        def is_it(request):
            return ["x-case", case] in [[name.lower(), value] for name, value in request["headers"]]
        return [request for request in self.simulation.requests() if is_it(request)]

    def sent(self):
        """The body of what reached the provider last."""
        return json.loads(self.simulation.requests()[-1]["body"])

    def counters(self):
        return self.read("/status")["counters"]


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("weir", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@contextlib.contextmanager
def gateway_with(extra="", providers="", provider_settings="", environment=None):
    """A gateway whose configuration has these settings, these further providers, and these settings of its simulation.
    `{simulation}` in them stands for the simulation's address."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-conformance-"))
    simulation = weirkit.Simulation(log_path=folder / "served.log")
    text = provider_settings + providers + extra
    weir = weirkit.Weir(
        folder, weirkit.simulated_configuration(simulation, text), environment)
    try:
        weir.start()
        yield Gateway(weir, simulation)
    finally:
        if weir.process:
            weir.process.kill(signal.SIGTERM)
        simulation.kill()
        shutil.rmtree(folder, ignore_errors=True)
