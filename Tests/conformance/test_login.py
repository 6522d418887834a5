"""Logins as developers see them: by plain HTTP, on the page, by `weir login`, and by the script that OpenCode runs."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time
import urllib.parse

import pytest

import weirkit
from clients import CHAT, call, failure
from gateway import gateway_with

CONFIGURATION = "require_labels: []\n"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCRIPT = weirkit.ROOT / "Sources/AgentOrigin/Files/login.sh"


def ask(gateway, method, path, form=None, **headers):
    """Status, headers and body of one request to the gateway's origin."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.weir.port, timeout=30)
    if form is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        form = urllib.parse.urlencode(form) if isinstance(form, dict) else form
    try:
        connection.request(method, path, form, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def post(gateway, path, form, **headers):
    status, found, body = ask(gateway, "POST", path, form, **headers)
    assert found["content-type"] == "application/json" and found["cache-control"] == "no-store" and "location" not in found
    return status, json.loads(body)


def begin(gateway):
    status, codes = post(gateway, "/device/code", {"client_id": "test"})
    assert status == 200
    return codes


def poll(gateway, codes, **changes):
    form = {"grant_type": GRANT, "device_code": codes["device_code"], **changes}
    return post(gateway, "/device/token", form)


def invite(gateway, name, *arguments):
    done = gateway.weir.cli("developer", "invite", name, "--team", "web", *arguments)
    code = done.stdout.strip()
    assert re.fullmatch(r"weir(-[0-9a-z]{5}){5}", code)
    assert f"weir login {gateway.weir.url} --invite {code}" in done.stderr and f"opencode auth login {gateway.weir.url}" in done.stderr
    return code


@pytest.fixture(autouse=True, scope="module")
def team(gateway):
    gateway.weir.cli("team", "create", "web")


def test_a_device_gets_a_key_once_somebody_has_approved_it(gateway):
    status, _, text = ask(gateway, "GET", "/.well-known/oauth-authorization-server")
    metadata = json.loads(text)
    assert status == 200 and metadata["issuer"] == gateway.weir.url
    assert metadata["device_authorization_endpoint"] == f"{gateway.weir.url}/device/code"
    assert metadata["token_endpoint"] == f"{gateway.weir.url}/device/token" and metadata["grant_types_supported"] == [GRANT]
    codes = begin(gateway)
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert codes["verification_uri"] == f"{gateway.weir.url}/device" and codes["expires_in"] == 900
    assert poll(gateway, codes)[1]["error"] == "authorization_pending"
    assert poll(gateway, codes)[1]["error"] == "slow_down", "asked twice at once"
    listed = [one for one in gateway.weir.json("device", "list")["data"] if one["status"] == "pending"]
    assert [(one["client"], one["address"]) for one in listed] == [("test", "127.0.0.1")]
    typed = codes["user_code"].lower().replace("-", "")
    assert gateway.weir.cli("device", "approve", typed, "--developer", "eve", check=False).returncode == 1
    done = gateway.weir.cli("device", "approve", typed, "--developer", "maria", "--team", "web")
    assert "test at 127.0.0.1 gets a key of maria, team web" in done.stderr
    status, token = poll(gateway, codes)
    assert status == 200 and token["token_type"] == "bearer" and token["expires_in"] > 364 * 86400
    assert (token["developer"], token["team"]) == ("maria", "web")
    # It works at once, and is maria's.
    assert call(gateway, CHAT, key=token["access_token"]).choices
    assert gateway.last_turn()["developer"] == "maria" and gateway.last_turn()["key_id"] == token["key_id"]
    assert poll(gateway, codes) == (400, {"error": "invalid_grant", "error_description": poll(gateway, codes)[1]["error_description"]})
    assert gateway.weir.json("device", "list")["data"][0]["key_id"] == token["key_id"]


def test_a_denied_login_is_told_so(gateway):
    codes = begin(gateway)
    gateway.weir.cli("device", "deny", codes["user_code"])
    assert poll(gateway, codes)[1]["error"] == "access_denied"
    late = gateway.weir.cli("device", "approve", codes["user_code"], "--developer", "maria", check=False)
    assert late.returncode == 1 and "login_not_found" in late.stderr


@pytest.mark.parametrize("form, error", [
    ({"grant_type": "password", "device_code": "x"}, "unsupported_grant_type"),
    ({"grant_type": GRANT}, "invalid_request"),
    (f"grant_type={GRANT}&device_code=a&device_code=b", "invalid_request"),
    ({"grant_type": GRANT, "device_code": "weir_d_" + "a" * 52}, "invalid_grant"),
    ("%zz=1", "invalid_request"),
])
def test_odd_requests_get_the_standards_errors(gateway, form, error):
    status, body = post(gateway, "/device/token", form)
    assert (status, body["error"]) == (400, error) and body["error_description"]


def test_json_is_no_form_and_a_body_has_its_limit(gateway):
    status, body = post(gateway, "/device/code", "{}", **{"Content-Type": "application/json"})
    assert (status, body["error"]) == (400, "invalid_request")
    status, _, text = ask(gateway, "POST", "/device/code", "client_id=" + "x" * 5000)
    assert status == 413 and json.loads(text)["error"]["code"] == "request_too_large"
    status, found, text = ask(gateway, "GET", "/device/code")
    assert status == 405 and found["allow"] == "POST" and json.loads(text)["error"]["code"] == "method_not_allowed"


def test_the_page_asks_for_an_invitation_and_takes_it_once(gateway):
    code = invite(gateway, "paula", "--email", "paula@acme.example")
    codes = begin(gateway)
    path = urllib.parse.urlsplit(codes["verification_uri_complete"])
    status, found, html = ask(gateway, "GET", f"{path.path}?{path.query}")
    assert status == 200 and found["content-type"].startswith("text/html")
    assert f'value="{codes["user_code"]}"' in html and "127.0.0.1" in html and "<b>test</b>" in html
    policy = found["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert not re.search(r"https?://|<script|src=", html), "nothing comes from elsewhere"
    # What is no waiting code is not shown again.
    assert "<i>" not in ask(gateway, "GET", "/device?user_code=%3Ci%3E")[2]
    status, _, html = ask(gateway, "POST", "/device", {"user_code": codes["user_code"], "invitation": "weir-nope"})
    assert status == 403 and "not valid" in html
    status, _, html = ask(gateway, "POST", "/device", {"user_code": codes["user_code"], "invitation": code})
    assert status == 200 and "paula is logged in on test" in html
    assert poll(gateway, codes)[1]["developer"] == "paula"
    assert [one["email"] for one in gateway.weir.json("developer", "list")["data"] if one["name"] == "paula"] == ["paula@acme.example"]
    again = begin(gateway)
    status, _, _ = ask(gateway, "POST", "/device", {"user_code": again["user_code"], "invitation": code})
    assert status == 403
    assert [one["status"] for one in gateway.weir.json("developer", "invitations")["data"] if one["developer"] == "paula"] == ["used"]


def test_an_invitation_can_be_taken_back(gateway):
    code = invite(gateway, "quentin")
    made = next(one for one in gateway.weir.json("developer", "invitations")["data"] if one["developer"] == "quentin")
    gateway.weir.cli("developer", "uninvite", made["id"])
    done = gateway.weir.cli("login", gateway.weir.url, "--invite", code, check=False, environment={"HOME": str(gateway.weir.folder)})
    assert done.returncode == 1 and "access_denied" in done.stderr and "weir developer invite" in done.stderr
    refused = gateway.weir.cli("developer", "invite", "quentin", check=False)
    assert refused.returncode == 1 and "missing_team" in refused.stderr


# The command line.

def home(tmp_path):
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_login_with_an_invitation_keeps_a_key_for_its_owner_alone(gateway, tmp_path):
    code = invite(gateway, "rosa")
    done = gateway.weir.cli("login", f"{gateway.weir.url}/", "--invite", code, environment=home(tmp_path))
    assert done.stdout == "" and "as rosa, team web" in done.stderr and "Warning" not in done.stderr
    folder = tmp_path / "config/weir"
    kept = json.loads((folder / "credentials.json").read_text())
    mine = kept["gateways"][gateway.weir.url]
    assert kept["current"] == gateway.weir.url and set(mine) == {"key", "key_id", "developer", "team", "created"}
    assert (folder / "key").read_text() == mine["key"] + "\n" and mine["key"] not in done.stderr
    for path, mode in [(folder, 0o700), (folder / "credentials.json", 0o600), (folder / "key", 0o600)]:
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert call(gateway, CHAT, key=mine["key"]).choices and gateway.last_turn()["developer"] == "rosa"
    # A second login, with the key on standard output; then a logout that ends it.
    code = invite(gateway, "rosa")
    second = gateway.weir.cli("login", "--invite", code, "--print-key", environment=home(tmp_path)).stdout.strip()
    assert second.startswith("weir_k_") and second != mine["key"]
    out = gateway.weir.cli("logout", environment=home(tmp_path))
    assert "is revoked" in out.stderr and not (folder / "key").exists()
    assert failure(gateway, CHAT, key=second).status == 401
    assert json.loads((folder / "credentials.json").read_text())["gateways"] == {}
    assert gateway.weir.cli("logout", check=False, environment=home(tmp_path)).returncode == 1


def test_login_without_an_invitation_waits_for_an_administrator(gateway, tmp_path):
    login = weirkit.Process([weirkit.binary(), "login", gateway.weir.url], weirkit.clean_environment(**home(tmp_path)))
    code = login.wait_for_line(r"user_code=(\S+)").group(1)
    login.wait_for_line(f"shows the code {code}")
    gateway.weir.cli("device", "approve", code, "--developer", "sam", "--team", "web")
    login.wait_for_line("Logged in to .* as sam, team web")
    assert login.child.wait(timeout=30) == 0


def test_login_refuses_what_it_should(gateway, tmp_path):
    environment = home(tmp_path)
    nowhere = gateway.weir.cli("login", "http://127.0.0.1:1", check=False, environment=environment)
    assert nowhere.returncode == 1 and "gateway_unreachable" in nowhere.stderr
    simulation = gateway.weir.cli("login", gateway.simulation.url, check=False, environment=environment)
    assert simulation.returncode == 1 and "not_a_gateway" in simulation.stderr
    assert gateway.weir.cli("login", check=False, environment=environment).returncode == 2
    assert "malformed_gateway" in gateway.weir.cli("login", "https://a b", check=False, environment=environment).stderr
    plain = gateway.weir.cli("login", "http://weir.invalid", check=False, environment=environment)
    assert "is not https" in plain.stderr
    folder = tmp_path / "config/weir"
    (folder / "credentials.json").write_text("{}")
    (folder / "credentials.json").chmod(0o644)
    exposed = gateway.weir.cli("login", gateway.weir.url, check=False, environment=environment)
    assert exposed.returncode == 1 and f"chmod 600 {folder}/credentials.json" in exposed.stderr


# The script.

@pytest.mark.parametrize("shell", ["dash", "bash", "sh"])
def test_the_scripts_standard_output_is_the_key_alone(gateway, shell, tmp_path):
    if not shutil.which(shell):
        pytest.fail(f"{shell} is missing")
    manifest = json.loads(ask(gateway, "GET", "/.well-known/opencode")[2])
    command = list(manifest["auth"]["command"])
    command[0] = shell
    environment = weirkit.clean_environment(HOME=str(tmp_path))
    with open(tmp_path / "told", "w") as told:
        script = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told, env=environment, start_new_session=True)
    try:
        found = weirkit.wait_until(
            lambda: re.search(r"shows the code (\S+),", (tmp_path / "told").read_text()), what="the code is shown")
        gateway.weir.cli("device", "approve", found.group(1), "--developer", "tina", "--team", "web")
        stdout, _ = script.communicate(timeout=30)
    finally:
        script.kill()
    key = stdout.decode()
    assert script.returncode == 0 and re.fullmatch(r"weir_k_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}\n", key)
    told = (tmp_path / "told").read_text()
    assert "Logged in." in told and key.strip() not in told and "weir_d_" not in told
    assert call(gateway, CHAT, key=key.strip()).choices and gateway.last_turn()["developer"] == "tina"


def test_the_script_fails_without_a_key_when_the_login_is_denied_or_the_gateway_is_gone(gateway, tmp_path):
    gone = subprocess.run(["sh", SCRIPT, "http://127.0.0.1:1"], capture_output=True, text=True, start_new_session=True)
    assert gone.returncode == 1 and gone.stdout == "" and "Cannot reach" in gone.stderr
    none = subprocess.run(["sh", SCRIPT, gateway.simulation.url], capture_output=True, text=True, start_new_session=True)
    assert none.returncode == 1 and none.stdout == "" and "No login at" in none.stderr
    command = json.loads(ask(gateway, "GET", "/.well-known/opencode")[2])["auth"]["command"]
    broken = [part.replace(f":{gateway.weir.port}/", ":1/") for part in command]
    assert subprocess.run(broken, capture_output=True, start_new_session=True).returncode != 0, "an empty key is no success"
    script = subprocess.Popen(
        ["sh", SCRIPT, gateway.weir.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while "shows the code" not in (line := script.stderr.readline()):
        assert line
    gateway.weir.cli("device", "deny", re.search(r"code (\S+),", line).group(1))
    stdout, stderr = script.communicate(timeout=30)
    assert script.returncode == 1 and stdout == "" and "Not logged in: This login was denied." in stderr


def test_the_script_is_short_and_served_as_it_stands(gateway):
    status, found, text = ask(gateway, "GET", "/opencode/login.sh")
    assert status == 200 and text == SCRIPT.read_text() and len(text.splitlines()) <= 60
    assert found["content-type"].startswith("text/x-shellscript")


# Crashes, guesses and secrets.

def test_an_approval_survives_a_kill(tmp_path):
    with gateway_with() as own:
        own.weir.cli("team", "create", "web")
        code = invite(own, "uma")
        codes = begin(own)
        status, _ = post(own, "/device", {"user_code": codes["user_code"], "invitation": code}, Accept="application/json")
        assert status == 200
        own.weir.kill()
        own.weir.start()
        status, token = poll(own, codes)
        assert status == 200 and token["developer"] == "uma"
        own.weir.kill()
        own.weir.start()
        assert call(own, CHAT, key=token["access_token"]).choices, "a key that was told is kept"
        assert poll(own, codes)[1]["error"] == "invalid_grant"


def test_a_guesser_is_shut_out_and_a_login_ends_after_five_wrong_invitations():
    with gateway_with() as own:
        codes = begin(own)
        for _ in range(5):
            status, body = post(own, "/device", {"user_code": codes["user_code"], "invitation": "weir-guess"}, Accept="application/json")
            assert (status, body["error"]) == (403, "access_denied")
        assert poll(own, codes)[1]["error"] == "access_denied"
        answers = [post(own, "/device", {"user_code": "BCDF-GHJK", "invitation": "x"}, Accept="application/json") for _ in range(16)]
        assert [status for status, _ in answers] == [400] * 15 + [429]
        status, body = poll(own, begin(own))
        assert (status, body["error"]) == (429, "slow_down")


def test_no_code_and_no_key_stands_anywhere(tmp_path):
    with gateway_with(environment={"WEIR_LOG_LEVEL": "debug"}) as own:
        own.weir.cli("team", "create", "web")
        code, codes = invite(own, "vera"), begin(own)
        post(own, "/device", {"user_code": codes["user_code"], "invitation": code}, Accept="application/json")
        token = poll(own, codes)[1]
        ask(own, "GET", "/opencode/config", Authorization=f"Bearer {token['access_token']}")
        denied = begin(own)
        own.weir.cli("device", "deny", denied["user_code"])
        secrets = [code, codes["device_code"], codes["user_code"], denied["user_code"], denied["device_code"],
                   token["access_token"][18:]]
        said = "".join(
            own.weir.cli(*verb, "--format", form).stdout
            for verb in (("device", "list"), ("developer", "invitations"), ("key", "list")) for form in ("table", "csv", "json"))
        journal = own.weir.cli("journal", "inspect", check=False).stdout
        own.weir.stop()
        kept = b"".join(path.read_bytes() for path in own.weir.data.rglob("*") if path.is_file() and path.name != "pepper")
        assert b"device_grant" in kept and b"invitation" in kept
        for secret in secrets:
            assert secret not in own.weir.process.text and secret not in said and secret not in journal
            assert secret.encode() not in kept
