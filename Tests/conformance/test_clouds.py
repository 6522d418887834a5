"""Azure and Vertex: paths, credentials and bodies as each cloud wants them, prices by the model behind a deployment's name, and tokens that
a service account's signature is changed for."""

import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import urllib.parse

import pytest
from google.auth import jwt

import weirkit
from gateway import gateway_with

PROVIDERS = """
  - name: azure
    kind: azure-openai
    base_url: {simulation}
    allow_private_addresses: true
    api_key: ${AZURE_KEY}
    models: [big-deployment, gpt-6.1-sol]
    aliases: {big: big-deployment}
    price_models: {big-deployment: gpt-6.1-sol}
  - name: azure-dated
    kind: azure-openai
    base_url: {simulation}
    allow_private_addresses: true
    api_key: ${AZURE_KEY}
    api_version: 2026-01-01-preview
    dialects: [openai_chat, openai_embeddings]
    models: [old-deployment]
    price_models: {old-deployment: gpt-6.1-sol}
  - name: foundry
    kind: azure-anthropic
    base_url: {simulation}/anthropic
    allow_private_addresses: true
    api_key: ${AZURE_KEY}
  - name: vertex
    kind: vertex
    base_url: {simulation}
    allow_private_addresses: true
    project: acme-prod
    location: europe-west4
    api_key: file:{account}
  - name: vertex-machine
    kind: vertex
    base_url: {simulation}
    allow_private_addresses: true
    project: acme-prod
    location: global
    token_url: {token}/computeMetadata/v1/instance/service-accounts/default/token
    models: [gemini-2.5-flash]
"""
KEY = "azure-canary-key"


class TokenEndpoint:
    """Google's token endpoint: it gives a token for a grant that the account's key signed, and its machine's to whoever asks right."""

    def __init__(self, public_key):
        self.public_key, self.grants, self.answers, self.lifetime, self.fails = public_key, [], 0, 3600, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
                if outer.fails:
                    outer.fails -= 1
                    return self.give(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
                outer.grants.append(jwt.decode(form["assertion"][0], certs=outer.public_key, audience=f"{outer.url}/token"))
                self.token()

            def do_GET(self):
                assert self.headers["metadata-flavor"] == "Google" and self.path.startswith("/computeMetadata/v1/")
                self.token()

            def token(self):
                outer.answers += 1
                self.give(200, {"access_token": f"ya29.canary-{outer.answers}", "expires_in": outer.lifetime, "token_type": "Bearer"})

            def give(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def token():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=account", "-keyout",
             str(folder / "key.pem"), "-out", str(folder / "cert.pem")], check=True, capture_output=True)
        endpoint = TokenEndpoint((folder / "cert.pem").read_bytes())
        endpoint.account = folder / "account.json"
        endpoint.account.write_text(json.dumps({
            "type": "service_account", "project_id": "acme-prod", "private_key_id": "k1",
            "private_key": (folder / "key.pem").read_text(), "client_email": "weir@acme-prod.iam.gserviceaccount.com",
            "token_uri": f"{endpoint.url}/token"}, indent=2))
        yield endpoint
        endpoint.server.shutdown()


@pytest.fixture(scope="module")
def gateway(token):
    providers = PROVIDERS.replace("{account}", str(token.account)).replace("{token}", token.url)
    with gateway_with("", providers, "    models: [nothing]\n", {"AZURE_KEY": KEY}) as made:
        yield made


def seen(gateway):
    request = gateway.simulation.requests()[-1]
    return request, {name.lower(): value for name, value in request["headers"]}


def chat(gateway, model, **options):
    return gateway.openai().chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hi."}], **options)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_azures_first_version(gateway, streams):
    answer = chat(gateway, "big", stream=streams)
    if streams:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    request, headers = seen(gateway)
    assert request["path"] == "/openai/v1/chat/completions" and request["query"] == ""
    assert headers["api-key"] == KEY and "authorization" not in headers
    assert json.loads(request["body"])["model"] == "big-deployment"
    turn = gateway.last_turn()
    usage = turn["usage"]
    # Priced as the model that stands behind the deployment: 2, 0.1 and 10 USD per million.
    assert turn["cost_nano_usd"] == usage["input"] * 2000 + usage.get("cache_read", 0) * 100 + usage["output"] * 10_000 > 0


def test_azures_dated_version_has_the_deployment_in_the_path(gateway):
    chat(gateway, "old-deployment")
    request, headers = seen(gateway)
    assert request["path"] == "/openai/deployments/old-deployment/chat/completions"
    assert request["query"] == "api-version=2026-01-01-preview" and headers["api-key"] == KEY
    assert gateway.last_turn()["cost_nano_usd"] > 0
    gateway.openai().embeddings.create(model="old-deployment", input="x")
    assert seen(gateway)[0]["path"] == "/openai/deployments/old-deployment/embeddings"
    # A client of Messages is translated to the same place.
    gateway.anthropic().messages.create(model="old-deployment", max_tokens=20, messages=[{"role": "user", "content": "hi"}])
    request, _ = seen(gateway)
    assert request["path"] == "/openai/deployments/old-deployment/chat/completions"
    assert request["query"] == "api-version=2026-01-01-preview"


def test_claude_in_foundry(gateway):
    gateway.anthropic().messages.create(
        model="foundry/claude-opus-5-5", max_tokens=20, messages=[{"role": "user", "content": "hi"}])
    request, headers = seen(gateway)
    assert request["path"] == "/anthropic/v1/messages" and headers["x-api-key"] == KEY
    assert gateway.last_turn()["cost_nano_usd"] > 0


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_gemini_on_vertex_by_an_openai_client(gateway, token, streams):
    answer = chat(gateway, "vertex/gemini-2.5-flash", stream=streams)
    if streams:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    request, headers = seen(gateway)
    method = "streamGenerateContent" if streams else "generateContent"
    assert request["path"] == f"/v1/projects/acme-prod/locations/europe-west4/publishers/google/models/gemini-2.5-flash:{method}"
    assert headers["authorization"].startswith("Bearer ya29.canary-") and "x-goog-api-key" not in headers
    grant = token.grants[0]
    assert grant["iss"] == "weir@acme-prod.iam.gserviceaccount.com" and grant["exp"] - grant["iat"] == 3600
    assert grant["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert len(token.grants) == 1, "one token serves many calls"
    turn = gateway.last_turn()
    usage = turn["usage"]
    # In a region, 1.1 times 0.3, 0.03 and 2.5 USD per million.
    assert turn["cost_nano_usd"] == usage["input"] * 330 + usage.get("cache_read", 0) * 33 + usage["output"] * 2750


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_claude_on_vertex_by_its_own_client(gateway, streams):
    arguments = dict(model="vertex/claude-opus-4-8", max_tokens=50, messages=[{"role": "user", "content": "hi"}])
    if streams:
        with gateway.anthropic().messages.stream(**arguments) as stream:
            assert stream.get_final_message().stop_reason == "end_turn"
    else:
        assert gateway.anthropic().messages.create(**arguments).stop_reason == "end_turn"
    request, headers = seen(gateway)
    method = "streamRawPredict" if streams else "rawPredict"
    assert request["path"] == f"/v1/projects/acme-prod/locations/europe-west4/publishers/anthropic/models/claude-opus-4-8:{method}"
    body = json.loads(request["body"])
    assert "model" not in body and body["anthropic_version"] == "vertex-2023-10-16" and body["max_tokens"] == 50
    assert headers["authorization"].startswith("Bearer ya29.")
    assert gateway.last_turn()["cost_nano_usd"] > 0 and "translated" not in gateway.last_turn()["flags"]


def test_claude_on_vertex_by_an_openai_client_and_its_counter(gateway):
    assert chat(gateway, "vertex/claude-opus-4-8").choices[0].message.content
    body = json.loads(seen(gateway)[0]["body"])
    assert "model" not in body and body["anthropic_version"] == "vertex-2023-10-16"


def test_a_machines_own_token(gateway):
    chat(gateway, "vertex-machine/gemini-2.5-flash")
    request, headers = seen(gateway)
    assert request["path"].startswith("/v1/projects/acme-prod/locations/global/publishers/google/models/")
    assert headers["authorization"].startswith("Bearer ya29.")


def test_tokens_are_renewed_before_they_end_and_a_failure_is_told(token):
    providers = PROVIDERS.replace("{account}", str(token.account)).replace("{token}", token.url)
    token.lifetime = 200
    before = len(token.grants)
    with gateway_with("", providers, "    models: [nothing]\n", {"AZURE_KEY": KEY}) as gateway:
        chat(gateway, "vertex/gemini-2.5-flash")
        first = seen(gateway)[1]["authorization"]
        # It has less to live than the margin, so it is renewed beside the calls.
        def renewed():
            chat(gateway, "vertex/gemini-2.5-flash")
            return seen(gateway)[1]["authorization"] != first
        weirkit.wait_until(renewed, 20, "another token")
        assert len(token.grants) >= before + 2
    token.lifetime, token.fails = 3600, 1000
    with gateway_with("", providers, "    models: [nothing]\n", {"AZURE_KEY": KEY}) as gateway:
        client = gateway.openai(max_retries=0)
        with pytest.raises(Exception, match="invalid_grant"):
            client.chat.completions.create(model="vertex/gemini-2.5-flash", messages=[{"role": "user", "content": "x"}])
        assert gateway.last_turn()["cost_nano_usd"] == 0
        token.fails = 0
        weirkit.wait_until(lambda: succeeds(client), 20, "a token once the endpoint gives one")


def succeeds(client):
    try:
        return client.chat.completions.create(model="vertex/gemini-2.5-flash", messages=[{"role": "user", "content": "x"}])
    except Exception:
        return None
