"""Credentials that nobody writes down: Microsoft Entra's applications and managed identities, and the roles of containers, machines and
clusters at AWS. The endpoints answer as the clouds document it; AWS's own signer says whether a request is signed by the keys given."""

import datetime
import http.server
import json
import threading
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import weirkit
from gateway import gateway_with

SECRET = "entra-canary-secret"
PROVIDERS = """
  - name: entra
    kind: azure-openai
    base_url: {simulation}
    allow_private_addresses: true
    credential_source: entra
    token_url: {cloud}/tenant/oauth2/v2.0/token
    client_id: app-1
    client_secret: ${ENTRA_SECRET}
    models: [gpt-6.1-sol]
  - name: foundry
    kind: azure-anthropic
    base_url: {simulation}/anthropic
    allow_private_addresses: true
    credential_source: managed-identity
    token_url: {cloud}/metadata/identity/oauth2/token
    client_id: identity-1
  - name: container
    kind: bedrock
    base_url: {simulation}
    allow_private_addresses: true
    region: eu-west-1
    credential_source: container
    token_file: {folder}/pod-token
    models: [container.*]
  - name: machine
    kind: bedrock
    base_url: {simulation}
    allow_private_addresses: true
    region: eu-west-1
    credential_source: instance
    token_url: {cloud}
    models: [machine.*]
  - name: cluster
    kind: bedrock
    base_url: {simulation}
    allow_private_addresses: true
    region: eu-west-1
    credential_source: web-identity
    token_url: {cloud}/sts
    models: [cluster.*]
"""


class Cloud:
    """The endpoints of both clouds. Keys are numbered, so that a renewed one is another."""

    def __init__(self):
        self.asked, self.given, self.lifetime, self.fails, self.pod_token = [], {}, 3600, False, "pod-token-1"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                assert self.path == "/latest/api/token" and self.headers["x-aws-ec2-metadata-token-ttl-seconds"]
                self.give(b"imds-session")

            def do_POST(self):
                form = {name: one[0] for name, one in urllib.parse.parse_qs(
                    self.rfile.read(int(self.headers["content-length"])).decode()).items()}
                outer.asked.append((self.path, form))
                if outer.fails:
                    return self.give_json({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}, 401)
                if self.path == "/sts":
                    assert form["Action"] == "AssumeRoleWithWebIdentity" and form["Version"] == "2011-06-15"
                    keys = outer.keys()
                    return self.give(
                        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                        "<AssumeRoleWithWebIdentityResult><Credentials>"
                        f"<SessionToken>{keys['Token']}</SessionToken><SecretAccessKey>{keys['SecretAccessKey']}</SecretAccessKey>"
                        f"<Expiration>{keys['Expiration']}</Expiration><AccessKeyId>{keys['AccessKeyId']}</AccessKeyId></Credentials>"
                        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>".encode())
                assert self.path == "/tenant/oauth2/v2.0/token" and form["client_secret"] == SECRET
                self.give_json({"token_type": "Bearer", "expires_in": outer.lifetime, "access_token": f"eyJ.entra-{len(outer.asked)}"})

            def do_GET(self):
                path, _, query = self.path.partition("?")
                outer.asked.append((path, {name: one[0] for name, one in urllib.parse.parse_qs(query).items()}))
                if path == "/metadata/identity/oauth2/token":
                    assert self.headers["metadata"] == "true"
                    return self.give_json({"access_token": "eyJ.identity", "expires_in": str(outer.lifetime), "token_type": "Bearer"})
                if path == "/pod":
                    if self.headers["authorization"] != outer.pod_token:
                        return self.give_json({"code": "AccessDenied", "Message": "wrong pod token"}, 401)
                    return self.give_json(outer.keys())
                assert self.headers["x-aws-ec2-metadata-token"] == "imds-session"
                roles = "/latest/meta-data/iam/security-credentials/"
                if path == roles:
                    return self.give(b"weir-role")
                assert path == roles + "weir-role"
                self.give_json({"Code": "Success", "Type": "AWS-HMAC", **outer.keys()})

            def give_json(self, document, status=200):
                self.give(json.dumps(document).encode(), status)

            def give(self, body, status=200):
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def keys(self):
        number = len(self.given) + 1
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.lifetime)
        keys = {"AccessKeyId": f"ASIA{number:012}", "SecretAccessKey": f"canary/secret+{number}", "Token": f"session/{number}+=",
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.given[keys["AccessKeyId"]] = keys
        return keys


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identities")
    (folder / "pod-token").write_text("pod-token-1\n")
    (folder / "cluster-token").write_text("eyJ.cluster\n")
    return folder


@pytest.fixture
def cloud():
    cloud = Cloud()
    yield cloud
    cloud.server.shutdown()


def start(cloud, folder, providers=PROVIDERS):
    text = providers.replace("{cloud}", cloud.url).replace("{folder}", str(folder))
    return gateway_with("", text, "    models: [nothing]\n", {
        "ENTRA_SECRET": SECRET, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.url}/pod", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/weir",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "cluster-token")})


def seen(gateway):
    request = gateway.simulation.requests()[-1]
    return request, {name.lower(): value for name, value in request["headers"]}


def chat(gateway, model, **options):
    return gateway.openai(**options).chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hi."}])


def signer(gateway, cloud, request=None):
    """Which keys signed a request, the last one unless said; AWS's own signer is asked."""
    request = request or gateway.simulation.requests()[-1]
    headers = {name.lower(): value for name, value in request["headers"]}
    key_id = headers["authorization"].partition("Credential=")[2].partition("/")[0]
    keys = cloud.given[key_id]
    assert headers["x-amz-security-token"] == keys["Token"]
    signed = AWSRequest(method=request["method"], url=f"{gateway.simulation.url}{request['path']}", data=request["body"].encode())
    if "content-type" in headers:
        signed.headers["content-type"] = headers["content-type"]
    signed.headers["host"] = headers["host"]
    signed.headers["X-Amz-Security-Token"] = keys["Token"]
    signed.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(key_id, keys["SecretAccessKey"]), "bedrock", "eu-west-1")
    canonical = auth.canonical_request(with_date(signed, headers["x-amz-date"]))
    assert auth.signature(auth.string_to_sign(signed, canonical), signed) == headers["authorization"].rpartition("Signature=")[2]
    return key_id


def with_date(request, date):
    request.headers["X-Amz-Date"] = date
    return request


def test_an_entra_application(cloud, folder):
    with start(cloud, folder) as gateway:
        chat(gateway, "entra/gpt-6.1-sol")
        _, headers = seen(gateway)
        assert headers["authorization"].startswith("Bearer eyJ.entra-") and "api-key" not in headers
        form = next(form for path, form in cloud.asked if path.startswith("/tenant"))
        assert form == {"grant_type": "client_credentials", "client_id": "app-1", "client_secret": SECRET,
                        "scope": "https://cognitiveservices.azure.com/.default"}
        assert gateway.last_turn()["cost_nano_usd"] > 0


def test_a_managed_identity(cloud, folder):
    with start(cloud, folder) as gateway:
        gateway.anthropic().messages.create(
            model="foundry/claude-opus-5-5", max_tokens=20, messages=[{"role": "user", "content": "hi"}])
        _, headers = seen(gateway)
        assert headers["authorization"] == "Bearer eyJ.identity" and "x-api-key" not in headers
        query = next(query for path, query in cloud.asked if path.startswith("/metadata"))
        assert query == {"api-version": "2018-02-01", "resource": "https://cognitiveservices.azure.com", "client_id": "identity-1"}


@pytest.mark.parametrize("provider", ["container", "machine", "cluster"])
def test_a_role_at_aws_signs(cloud, folder, provider):
    with start(cloud, folder) as gateway:
        chat(gateway, f"{provider}.anthropic.claude-opus-5-5")
        signer(gateway, cloud)
        if provider == "cluster":
            form = next(form for path, form in cloud.asked if path == "/sts")
            assert form["RoleArn"] == "arn:aws:iam::123456789012:role/weir" and form["WebIdentityToken"] == "eyJ.cluster"


def test_a_check_of_health_is_signed_as_turns_are(cloud, folder):
    checked = PROVIDERS.replace("    models: [container.*]\n", "    models: [container.*]\n    health: {path: /v1/models, seconds: 1}\n")
    with start(cloud, folder, checked) as gateway:
        def check():
            return next((one for one in gateway.simulation.requests() if one["path"] == "/v1/models" and any(
                name.lower() == "x-amz-date" for name, _ in one["headers"])), None)
        request = weirkit.wait_until(check, 30, "a signed check")
        assert request["method"] == "GET"
        signer(gateway, cloud, request)


def test_keys_are_renewed_and_the_files_read_anew(cloud, folder):
    cloud.lifetime = 200
    with start(cloud, folder) as gateway:
        chat(gateway, "container.anthropic.claude-opus-5-5")
        first = signer(gateway, cloud)
        cloud.pod_token = "pod-token-2"
        (folder / "pod-token").write_text("pod-token-2\n")

        def renewed():
            chat(gateway, "container.anthropic.claude-opus-5-5")
            return signer(gateway, cloud) != first
        weirkit.wait_until(renewed, 30, "other keys")
    (folder / "pod-token").write_text("pod-token-1\n")


def test_a_failure_is_told_without_the_secret_and_ends(cloud, folder):
    cloud.fails = True
    with start(cloud, folder) as gateway:
        with pytest.raises(Exception, match="invalid_client") as failure:
            chat(gateway, "entra/gpt-6.1-sol", max_retries=0)
        assert SECRET not in str(failure.value) and gateway.last_turn()["cost_nano_usd"] == 0
        cloud.fails = False

        def succeeds():
            try:
                return chat(gateway, "entra/gpt-6.1-sol", max_retries=0)
            except Exception:
                return None
        weirkit.wait_until(succeeds, 30, "a token once the endpoint gives one")
