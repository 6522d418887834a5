"""Canary secrets: after a run with successes, refusals and failures, no file, log, answer or command shows a provider's
credential, a key's secret, the pepper, a word of a prompt or of an answer, or the credential in a remote."""

import json
import pathlib
import subprocess
import time

import pytest

import weirkit
from rawhttp import Closed, request
from rawprovider import answering, plain
from wiregateway import CREDENTIALS, gateway

PROMPT, ANSWER, TOOL, REMOTE, HEADER = (
    "canaryPromptWord",
    "canaryAnswerWord",
    "canaryToolArgument",
    "canaryRemoteToken",
    "canaryCookieValue",
)
BODY = json.dumps(
    {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": PROMPT}],
        "tools": [{"type": "function", "function": {"name": "f", "description": PROMPT}}],
    }
).encode()
ANTHROPIC = json.dumps(
    {"model": "claude-haiku-4-5", "max_tokens": 9, "system": PROMPT, "messages": [{"role": "user", "content": PROMPT}]}
).encode()
OK = json.dumps(
    {
        "id": "chatcmpl-1",
        "model": "gpt-5.4-mini",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": ANSWER,
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": TOOL}}],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9},
    }
).encode()
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % ANSWER.encode()
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
LABELS = [
    f"x-weir-repo: https://maria:{REMOTE}@github.com/acme/shop.git",
    f"Cookie: s={HEADER}",
    f"x-portkey-api-key: {HEADER}",
    "x-weir-session: s1",
]


def exercise(running, key, rotated):
    """Every way in which a request can end; gives all that clients were told by Weir itself."""
    said = []

    def call(answer, body=BODY, **options):
        running.provider.answer = answer
        with running.client(timeout=10) as client:
            client.send(request(options.pop("key", key), body, headers=LABELS, **options))
            try:
                response = client.response()
                said.append(response.raw_head)
                if response.status >= 400:
                    said.append(response.body)
            except (Closed, ConnectionResetError):
                pass

    good = answering(plain(OK))
    call(good)
    call(good, key=rotated)
    call(answering(SSE + CHUNK * 3 + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"), BODY[:-1] + b',"stream":true}')
    call(
        answering(
            plain(
                b'{"type":"message","content":[{"type":"text","text":"%s"}],"usage":{"input_tokens":1,"output_tokens":1}}' % ANSWER.encode()
            )
        ),
        ANTHROPIC,
        path="/v1/messages",
    )
    call(good, json.dumps({"model": "gpt-5.4-mini", "input": PROMPT, "previous_response_id": "resp_x"}).encode(), path="/v1/responses")
    # Refusals.
    call(good, key=key[:-8] + "zzzzzzzz")
    call(good, key="weir_k_nobody_" + PROMPT)
    call(good, b'{"model":"gpt-5.4-mini","messages":"' + PROMPT.encode())
    call(good, BODY.replace(b"gpt-5.4-mini", b"nobodys-model"))
    call(good, BODY, path="/v1/files")
    call(good, BODY[:-1] + b',"model":"x"}')
    # Failures.
    call(answering(plain(b'{"error":{"message":"no"}}', status="500 X")))
    call(answering(b"", keep=False))
    call(answering(plain(OK)[:-9], keep=False))
    call(answering([SSE + CHUNK, CHUNK[:9]], keep=False, pause=0.05), BODY[:-1] + b',"stream":true}')
    call(answering(b"HTTP/9 " + ANSWER.encode() + b"\r\n\r\n"))
    call(answering(b"HTTP/1.1 200 OK\r\nX-A: \0" + ANSWER.encode() + b"\r\n\r\n"))
    with running.client() as client:
        client.send(request(key, BODY)[:-20])
    with running.client() as client:
        client.send(b"GET /" + PROMPT.encode() + b" HTTP/1.0\r\nAuthorization: Bearer " + key.encode() + b"\r\n\r\n")
        said.append(client.reader.rest())
    return said


def commands(running, key_id):
    """What every reading verb prints, in every format."""
    turn = running.weir.turns()[0]["request_id"]
    verbs = [
        ["turn", "list"],
        ["turn", "show", turn],
        ["session", "list"],
        ["session", "show", "s1"],
        ["report", "spend", "--by", "developer,model"],
        ["report", "spend", "--by", "repository"],
        ["key", "list"],
        ["key", "show", key_id],
        ["doctor"],
        ["config", "check", str(running.weir.config_path)],
        ["config", "show"],
        ["price", "unpriced"],
        ["workspace", "list"],
        ["service-account", "list"],
        ["journal", "inspect"],
        ["team", "list"],
        ["developer", "list"],
    ]
    said = []
    for verb in verbs:
        for form in ([], ["--format", "json"], ["--format", "csv"]):
            done = running.weir.cli(*verb, *form, check=False)
            assert done.returncode == 0 or form or verb[0] in ("config", "journal", "doctor"), done.stderr
            said.append(done.stdout + done.stderr)
    for wrong in (["key", "show", "nobody"], ["turn", "show", "nobody"], ["key", "create"], ["price", "explain"]):
        done = running.weir.cli(*wrong, check=False)
        said.append(done.stdout + done.stderr)
    return said


def files(folder):
    return {path: path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


def test_no_secret_and_no_prompt_is_anywhere():
    with gateway("journal:\n  sync_milliseconds: 5\n") as running:
        key = running.weir.key("--name", "canary")
        key_id = key.split("_")[2]
        rotated = running.weir.cli("key", "rotate", key_id, "--overlap", "1h").stdout.strip()
        said = exercise(running, key, rotated)
        wanted = {
            "upstream_500",
            "upstream_closed",
            "upstream_truncated",
            "upstream_malformed",
            "malformed_json",
            "model_not_found",
            "duplicate_field",
        }
        weirkit.wait_until(lambda: wanted <= {turn.get("error") for turn in running.weir.turns()}, 15, "every kind of ending in the ledger")
        said += commands(running, key_id)
        pepper = (running.weir.data / "pepper").read_bytes()
        secrets = [key.split("_")[3], rotated.split("_")[3], running.key.split("_")[3], running.weir.first_key.split("_")[3]]
        canaries = [PROMPT, ANSWER, TOOL, REMOTE, HEADER, *CREDENTIALS.values(), *secrets]
        while_running = files(running.weir.data)
        running.weir.stop()
        time.sleep(0.1)
        log = running.weir.process.text.replace(running.weir.first_key, "(the first key, shown once)")
        places = {
            "the log": log.encode(),
            **{f"answer or command {n}": text if isinstance(text, bytes) else text.encode() for n, text in enumerate(said)},
        }
        places.update({f"{path} while running": data for path, data in while_running.items()})
        places.update({str(path): data for path, data in files(running.weir.data).items()})
        assert (
            sum("journal" in name for name in places) >= 2
            and any("ledger.db" in name for name in places)
            and any("control.db" in name for name in places)
        )
        found = [(canary, name) for name, data in places.items() for canary in canaries if canary.encode() in data]
        assert not found, found
        raw = [bytes.fromhex(pepper.decode().strip())] if len(pepper.strip()) >= 64 and pepper.strip().isalnum() else []
        for secret in [pepper.strip(), *raw]:
            assert [name for name, data in places.items() if secret in data and "pepper" not in name] == []
        assert (running.weir.data / "pepper").stat().st_mode & 0o077 == 0, "the pepper is its owner's alone"


def test_what_reaches_a_provider_holds_its_own_credential_and_no_other(shared):
    for path, model, name in (
        ("/v1/chat/completions", "gpt-5.4-mini", "RAW_OPENAI"),
        ("/v1/messages", "claude-haiku-4-5", "RAW_ANTHROPIC"),
        ("/v1/chat/completions", "house-1", "RAW_OTHER"),
    ):
        shared.provider.forget()
        shared.provider.answer = answering(plain(OK))
        shared.call(BODY.replace(b"gpt-5.4-mini", model.encode()), path=path, headers=[*LABELS, f"x-api-key: {shared.key}"])
        raw = shared.provider.wait_for(1)[0].raw_head.decode("latin-1")
        for other, credential in CREDENTIALS.items():
            assert raw.count(credential) == (1 if other == name else 0)
        for foreign in (shared.key, "weir_k_", HEADER, REMOTE):
            assert foreign not in raw


@pytest.mark.parametrize(
    "secret, wanted",
    [
        ("sk-in-clear-canary", "a secret may not stand in the file"),
        ("${NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE is not set"),
        ("file:/nowhere/secret", "cannot be read"),
    ],
)
def test_a_secret_in_the_configuration_is_a_fault_that_does_not_repeat_it(tmp_path, secret, wanted):
    path = tmp_path / "weir.yaml"
    path.write_text(f"providers:\n  - name: x\n    kind: openai\n    api_key: {secret}\n")
    done = subprocess.run(
        [weirkit.binary(), "config", "check", str(path)], env=weirkit.clean_environment(), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and wanted in done.stdout + done.stderr and "sk-in-clear-canary" not in done.stdout + done.stderr


def test_the_process_shows_no_credential_in_its_arguments(shared):
    arguments = pathlib.Path(f"/proc/{shared.weir.process.pid}/cmdline").read_bytes()
    assert not any(credential.encode() in arguments for credential in CREDENTIALS.values())
