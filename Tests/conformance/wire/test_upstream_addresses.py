"""Where a credential may go: the rules against server-side request forgery, in the configuration and at connection time."""

import json
import subprocess

import pytest

import weirkit
from rawhttp import Client, request
from rawprovider import Provider, answer_ok
from wiregateway import gateway

# Every spelling of an address that is not a provider's, and whether the flag for private networks opens it.
PRIVATE = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "[fd12::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "2130706433",
    "0x7f000001",
    "127.1",
    "017700000001",
]
NEVER = [
    "169.254.169.254",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "0.0.0.0",
    "[::]",
    "224.0.0.1",
    "255.255.255.255",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "2852039166",
    "0.0.0.1",
    "192.0.2.1",
    "[2001:db8::1]",
]


def providers(hosts, port, private):
    flag = "\n    allow_private_addresses: true" if private else ""
    return "log:\n  level: debug\nproviders:\n" + "".join(
        f"  - name: p{i}\n    kind: openai-compatible\n    base_url: https://{host}:{port}/v1\n"
        f"    api_key: ${{SECRET}}\n    models: [m{i}]{flag}\n"
        for i, host in enumerate(hosts)
    )


@pytest.mark.parametrize("hosts, private", [(PRIVATE + NEVER, False), (NEVER, True)], ids=["without the flag", "with it"])
def test_an_address_that_is_not_allowed_is_never_connected_to(tmp_path, hosts, private):
    trap = Provider()
    weir = weirkit.Weir(tmp_path, providers(hosts, trap.port, private), {"SECRET": "sk-canary-ssrf"})
    try:
        weir.start()
        key = weir.key()
        with Client(weir.port, timeout=30) as client:
            for number, host in enumerate(hosts):
                client.send(request(key, b'{"model":"m%d"}' % number))
                response = client.response()
                error = json.loads(response.body)["error"]
                assert response.status == 502 and error["code"] == "upstream_address_forbidden", (host, response.body)
                assert host not in error["message"] and str(trap.port) not in error["message"]
        assert trap.connections == 0
        assert all(turn["usage_source"] == "none" and turn["cost_nano_usd"] == 0 for turn in weir.turns())
        assert "sk-canary-ssrf" not in weir.process.text
    finally:
        weir.process.kill()
        trap.close()


BAD_URLS = {
    "http:// without the flag": "http://api.example.com/v1",
    "a user": "https://user:secret@api.example.com/v1",
    "a user that looks like a host": "https://api.openai.com@evil.example/v1",
    "a query": "https://api.example.com/v1?x=1",
    "a fragment that moves the host": "https://evil.example#.openai.azure.com/v1",
    "a backslash": "https://evil.example\\\\.openai.com/v1",
    "percent-encoding": "https://api.example.com/%2e%2e/v1",
    "dots in the path": "https://api.example.com/v1/../admin",
    "an empty part": "https://api.example.com//v1",
    "another scheme": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_",
    "no scheme": "api.example.com/v1",
    "a port that is none": "https://api.example.com:99999/v1",
    "a signed port": "https://api.example.com:+443/v1",
    "an empty host": "https:///v1",
    "a host with a space": "https://api example.com/v1",
    "a host outside ASCII": "https://\u0430pi.openai.com/v1",
    "an open bracket": "https://[::1/v1",
    "a line feed": "https://api.example.com/v1\\nX-Injected: 1",
}


@pytest.mark.parametrize("name", BAD_URLS)
def test_a_base_url_that_could_lead_a_credential_astray_is_a_fault(tmp_path, name):
    path = tmp_path / "weir.yaml"
    path.write_text(f'providers:\n  - name: x\n    kind: openai\n    base_url: "{BAD_URLS[name]}"\n    api_key: ${{SECRET}}\n')
    done = subprocess.run(
        [weirkit.binary(), "config", "check", str(path)],
        env=weirkit.clean_environment(SECRET="sk-canary-check"),
        capture_output=True,
        text=True,
        timeout=30,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "weir.yaml:4" in said and "sk-canary-check" not in said and "user:secret" not in said, said


@pytest.mark.parametrize("credential", ["with space", "line\nfeed", "ümlaut", "tab\there", "\x7f"])
def test_a_credential_that_could_break_out_of_its_header_is_a_fault(tmp_path, credential):
    path = tmp_path / "weir.yaml"
    path.write_text("providers:\n  - name: x\n    kind: openai\n    api_key: ${SECRET}\n")
    done = subprocess.run(
        [weirkit.binary(), "config", "check", str(path)],
        env=weirkit.clean_environment(SECRET=credential),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1 and credential not in done.stdout + done.stderr


def test_a_caller_cannot_choose_where_its_request_goes(shared):
    trap = Provider()
    address = f"127.0.0.1:{trap.port}"
    shared.provider.forget()
    shared.provider.answer = answer_ok
    body = f'{{"model":"gpt-5.4-mini","api_base":"http://{address}","base_url":"http://{address}","provider":"http://{address}"}}'.encode()
    with shared.client() as client:
        client.send(
            request(
                shared.key,
                body,
                host=address,
                headers=[
                    f"x-portkey-custom-host: http://{address}",
                    f"x-base-url: http://{address}",
                    f"X-Forwarded-Host: {address}",
                    f"X-Original-URL: http://{address}/",
                ],
            )
        )
        assert client.response().status == 200
        absolute = request(shared.key, body, path=f"http://{address}/v1/chat/completions", host=address)
        client.send(absolute)
        assert client.response().status == 200
    for received in shared.provider.wait_for(2):
        assert received["host"] == f"127.0.0.1:{shared.provider.port}" and received.body == body
    assert trap.connections == 0
    trap.close()


def test_a_name_is_looked_up_and_checked_like_an_address():
    with gateway(host="localhost") as running:
        running.provider.answer = answer_ok
        assert running.call().status == 200
        assert running.provider.requests[0]["host"] == f"localhost:{running.provider.port}"
