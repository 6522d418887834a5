"""A real Weir in front of a raw provider, with the provider kinds whose rules differ."""

import contextlib
import pathlib
import shutil
import signal
import tempfile

import weirkit
from rawhttp import Client, request
from rawprovider import Provider

CREDENTIALS = {
    "RAW_OPENAI": "sk-canary-openai-credential",
    "RAW_ANTHROPIC": "sk-ant-canary-credential",
    "RAW_OTHER": "other-canary-credential",
    "RAW_GEMINI": "gemini-canary-credential",
    "RAW_BEDROCK": "bedrock-api-key-canary-credential",
}
MODELS = [
    "codestral-latest",
    "qwen3-coder-480b",
    "kimi-k3",
    "deepseek-flash",
    "deepseek/deepseek-v4-pro",
    "grok-4.7",
    "magistral-medium-2509",
    "house-*",
]


def configuration(provider, extra="", scheme="http", host="127.0.0.1", trust=None, drain=False):
    base = f"{scheme}://{host}:{provider.port}"
    roots = f"\n    trust_roots: {trust}" if trust else ""
    roots += "\n    hang_up: drain" if drain else ""
    return f"""
log:
  level: debug
providers:
  - name: openai
    kind: openai
    base_url: {base}/v1
    api_key: ${{RAW_OPENAI}}
    allow_private_addresses: true
    aliases: {{fast: gpt-5.4-mini}}{roots}
  - name: anthropic
    kind: anthropic
    base_url: {base}
    api_key: ${{RAW_ANTHROPIC}}
    allow_private_addresses: true
    aliases: {{quick: claude-haiku-4-5}}{roots}
  - name: gemini
    kind: gemini
    base_url: {base}
    api_key: ${{RAW_GEMINI}}
    allow_private_addresses: true{roots}
  - name: ollama
    kind: ollama
    base_url: {base}/v1
    models: ["qwen3:8b"]{roots}
  - name: bedrock
    kind: bedrock
    base_url: {base}
    api_key: ${{RAW_BEDROCK}}
    allow_private_addresses: true
    {"" if drain else "hang_up: cancel"}{roots}
  - name: other
    kind: openai-compatible
    base_url: {base}/v1
    api_key: ${{RAW_OTHER}}
    allow_private_addresses: true
    models: {MODELS}{roots}
{extra}
"""


class Gateway:
    """The running pair."""

    def __init__(self, weir, provider, key):
        self.weir, self.provider, self.key = weir, provider, key

    @property
    def port(self):
        return self.weir.port

    def client(self, **options):
        return Client(self.port, **options)

    def call(self, body=b'{"model":"gpt-5.4-mini","messages":[]}', **options):
        """One request on a connection of its own."""
        with self.client() as client:
            client.send(request(options.pop("key", self.key), body, **options))
            return client.response(options.get("method", "POST"))

    def turn(self, request_id):
        """The turn of a request id, once the ledger has it."""
        return self.turns([request_id])[request_id]

    def turns(self, request_ids, seconds=20):
        """The turns of these request ids, once the ledger has them all. At most a thousand."""
        wanted = set(request_ids)

        def look():
            found = {turn["request_id"]: turn for turn in self.weir.turns()}
            return found if wanted <= set(found) else None

        return weirkit.wait_until(look, seconds, f"{len(wanted)} turns")


@contextlib.contextmanager
def gateway(extra="", provider=None, environment=None, listen="127.0.0.1:0", **options):
    """Starts both; everything is gone afterwards."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-wire-"))
    own = provider is None
    provider = provider or Provider()
    weir = weirkit.Weir(folder, configuration(provider, extra, **options), dict(CREDENTIALS, **(environment or {})), listen)
    try:
        weir.start()
        yield Gateway(weir, provider, weir.key())
    finally:
        if weir.process:
            weir.process.kill(signal.SIGTERM)
        if own:
            provider.close()
        shutil.rmtree(folder, ignore_errors=True)
