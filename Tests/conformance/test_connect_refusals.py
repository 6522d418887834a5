"""`weir connect` refuses clearly, and then nothing is written; `weir doctor --client` and `--check` say what is wrong."""

import ctypes
import json
import os
import pty
import re
import subprocess

import pytest

import weirkit
from connect_kit import REPOSITORY, Machine


@pytest.fixture
def machine(tmp_path, gateway):
    return Machine(tmp_path, gateway)


def refused(machine, code, *arguments, status=1, **extra):
    before = machine.files()
    done = machine.run(*arguments, status=status, **extra)
    assert machine.files() == before, "nothing is written"
    assert not (machine.home / ".config/weir").exists()
    assert (f"error[{code}]" in done.stderr) == (status == 1), done.stderr
    assert len(done.stderr.strip().splitlines()) >= 2 or status == 2, "what is wrong, and what mends it"
    return done.stderr


@pytest.mark.parametrize("address", ["ftp://gw", "https://", "https://gw/other/path", "https://gw:99999", "https://user:pw@gw"])
def test_an_address_that_is_none_is_refused(machine, address):
    refused(machine, "malformed_gateway", "connect", "codex", "--gateway", address, "--key", machine.key)


def test_a_key_does_not_cross_the_internet_in_the_clear(machine):
    refused(machine, "gateway_not_encrypted", "connect", "codex", "--gateway", "http://gw.example.com", "--key", machine.key)


def test_without_a_gateway_or_a_key_it_says_how_to_get_them(machine):
    assert "weir login" in refused(machine, "no_gateway", "connect", "codex")
    assert "weir login" in refused(machine, "no_key", "connect", "codex", "--gateway", machine.url)
    refused(machine, "bad_key", "connect", "codex", "--gateway", machine.url, "--key", "sk-ant-123")


def test_a_gateway_that_does_not_answer_or_does_not_know_the_key(machine):
    port = weirkit.free_port()
    text = refused(machine, "gateway_unreachable", "connect", "codex", "--gateway", f"http://127.0.0.1:{port}", "--key", machine.key)
    assert str(port) in text
    wrong = machine.key[:-4] + ("aaaa" if not machine.key.endswith("aaaa") else "bbbb")
    assert wrong not in refused(machine, "key_refused", "connect", "codex", "--gateway", machine.url, "--key", wrong)
    machine.run("connect", "codex", "--gateway", f"http://127.0.0.1:{port}", "--key", machine.key, "--offline")
    assert (machine.home / ".codex/config.toml").exists()


def test_something_else_that_listens_is_no_gateway(machine):
    refused(machine, "not_a_gateway", "connect", "codex", "--gateway", machine.gateway.simulation.url, "--key", machine.key)


@pytest.mark.parametrize("client, name, text, line", [
    ("claude-code", "home/.claude/settings.json", '{\n  "env": {\n    "A": 1\n    "B": 2\n  }\n}', 4),
    ("codex", "home/.codex/config.toml", 'a = 1\nb = "open\n', 2),
    ("codex", "home/.codex/config.toml", "model_providers = 5\n", 1),
    ("opencode", "home/.config/opencode/opencode.json", "{\n\n", 1),
    ("aider", "home/.aider.conf.yml", "model: x\n\tread: y\n", 2),
    ("aider", "home/.aider.conf.yml", "{model: x}\n", 1),
    ("crush", "home/.config/crush/crush.json", b'{"a": "\xff"}', 1),
])
def test_a_file_that_cannot_be_read_is_named_with_its_line_and_left_alone(machine, client, name, text, line):
    path = machine.write(name, text)
    stderr = refused(machine, "malformed_file", "connect", client, "--gateway", machine.url, "--key", machine.key, "--yes")
    assert f"{path}, line {line}:" in stderr


def test_a_folder_that_cannot_be_written_is_named(machine):
    machine.write("home/.codex", "a file where a folder should be")
    done = machine.connect("codex", status=1)
    assert "error[cannot_write]" in done.stderr and ".codex/config.toml" in done.stderr


def test_what_cannot_be_read_is_not_taken_for_nothing(machine):
    path = machine.home / ".codex/config.toml"
    path.mkdir(parents=True)
    assert "error[cannot_read]" in machine.connect("codex", "--yes", status=1).stderr
    path.rmdir()
    path.write_text("# " + "x" * (9 << 20))
    assert "error[cannot_read]" in machine.connect("codex", "--yes", status=1).stderr
    assert path.stat().st_size > 9 << 20
    assert "error[cannot_read]" in machine.doctor("codex", status=1).stderr


def test_an_unknown_client_and_flags_that_exclude_each_other_are_misuse(machine):
    assert "opencode" in machine.run("connect", "emacs", status=2).stderr
    assert "exclude" in machine.run("connect", "codex", "--undo", "--print", status=2).stderr


def test_outside_a_repository_there_is_no_project_file(machine):
    refused(machine, "no_repository", "connect", "opencode", "--scope", "project", "--gateway", machine.url, "--key", machine.key)
    machine.repository(remote=None)
    refused(machine, "no_remote", "connect", "opencode", "--scope", "project", "--gateway", machine.url, "--key", machine.key)


def answered(machine, answer):
    """Runs `connect codex` before a person who types this, or what this gives once they are asked; gives the exit code."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [weirkit.binary(), "connect", "codex", "--gateway", machine.url, "--key", machine.key], stdin=theirs, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=machine.work, env=weirkit.clean_environment(HOME=str(machine.home)))
    os.close(theirs)
    said = b""
    while b"Change them? [y/N]" not in said:
        part = os.read(child.stderr.fileno(), 65_536)
        assert part, said
        said += part
    os.write(ours, (answer() if callable(answer) else answer).encode() + b"\n")
    _, rest = child.communicate(timeout=60)
    os.close(ours)
    assert not callable(answer) or b"error[file_changed]" in rest and b"run the command again" in rest, rest
    return child.returncode


def test_a_person_is_asked_and_their_answer_counts(machine):
    path = machine.write("home/.codex/config.toml", 'model = "o3"\n')
    for answer in ("", "n", "no", "x"):
        assert answered(machine, answer) == 1 and path.read_text() == 'model = "o3"\n'
    assert answered(machine, "y") == 0 and "weir" in path.read_text()


def test_what_is_written_while_it_asks_is_not_overwritten(machine):
    path = machine.write("home/.codex/config.toml", 'model = "o3"\n')
    mine = 'model = "o3"\n[profiles.mine]\nmodel = "o4"\n'

    def write():
        path.write_text(mine)
        return "y"

    before = machine.files()
    assert answered(machine, write) == 1
    assert machine.files() == {**before, "home/.codex/config.toml": (mine.encode(), 0o644)}
    assert not (machine.home / ".config/weir").exists(), "not even the key is stored"
    assert answered(machine, "y") == 0 and "weir" in path.read_text() and "[profiles.mine]" in path.read_text()
    # A file that was taken away meanwhile is not put there again.
    text = path.read_text()

    def remove():
        path.unlink()
        return "y"

    path.write_text(text.replace("weir", "other"))
    assert answered(machine, remove) == 1 and not path.exists()


class ReadWatch:
    """Tells when somebody has read a file to its end and closed it (inotify)."""

    def __init__(self, path):
        self.library = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.library.inotify_init1(0)
        # IN_CLOSE_NOWRITE
        assert self.library.inotify_add_watch(self.descriptor, os.fsencode(path), 0x10) >= 0

    def wait(self):
        os.read(self.descriptor, 4096)
        os.close(self.descriptor)


def test_what_is_written_while_it_undoes_is_not_overwritten(machine):
    machine.repository()
    first = machine.write("home/.aider.conf.yml", "# mine\nmodel: gpt-4o\n")
    machine.connect("aider", "--yes")
    second = machine.work / ".aider.model.settings.yml"
    # It takes a while to see what is to be taken out of this one, and the first is read by then.
    second.write_text(second.read_text() + "".join(f"- name: other-{number}\n" for number in range(100_000)))
    connected, mine = machine.files(), first.read_text() + "# written meanwhile\n"
    watch = ReadWatch(first)
    child = subprocess.Popen(
        [weirkit.binary(), "connect", "aider", "--undo"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        cwd=machine.work, env=weirkit.clean_environment(HOME=str(machine.home)))
    watch.wait()
    first.write_text(mine)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 1 and b"error[file_changed]" in said and str(first).encode() in said, said
    assert machine.files() == {**connected, "home/.aider.conf.yml": (mine.encode(), 0o600)}
    # Again, it starts from the file as it is.
    machine.run("connect", "aider", "--undo")
    assert first.read_text() == "# mine\nmodel: gpt-4o\n# written meanwhile\n"


# What arrives.

@pytest.mark.parametrize("client", ["opencode", "claude-code", "codex", "crush", "aider", "mini-swe-agent", "continue"])
def test_check_calls_as_the_client_would_and_says_what_arrived(machine, client):
    machine.repository()
    machine.connect(client, "--yes")
    done = machine.run("connect", client, "--check", WEIR_DATA=machine.gateway.weir.data)
    turn = machine.gateway.last_turn()
    assert turn["request_id"] in done.stdout and turn["status"] == 200
    shown = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.splitlines() if re.match(r"\w[\w -]*\s{2,}\S", line))
    assert shown["developer"] == turn["developer"] and shown["team"] == turn["team"] and shown["cost"].startswith("$")
    # These know the repository only when they are started by the command that `connect` names, or by a bound key.
    if client not in ("mini-swe-agent", "continue"):
        assert shown["repository"].startswith(REPOSITORY)
    # A developer's machine has no admin socket.
    remote = machine.run("connect", client, "--check")
    assert machine.gateway.last_turn()["request_id"] in remote.stdout
    assert (REPOSITORY in remote.stdout) == (client not in ("mini-swe-agent", "continue"))
    assert machine.key not in done.stdout + done.stderr + remote.stdout + remote.stderr


def test_check_through_the_shim_knows_the_repository(machine):
    machine.repository()
    machine.connect("mini-swe-agent")
    done = subprocess.run(
        [machine.home / ".config/weir/credential", weirkit.binary(), "connect", "mini-swe-agent", "--check"], cwd=machine.work,
        env=weirkit.clean_environment(HOME=str(machine.home)), capture_output=True, text=True, check=True, timeout=60)
    assert f"repository: {REPOSITORY}\nbranch: topic\n" in done.stdout
    turn = machine.gateway.last_turn()
    assert (turn["repository"]["value"], turn["branch"]["value"]) == (REPOSITORY, "topic")


def test_check_takes_what_the_environment_makes_of_it(machine):
    printed = machine.connect("env").stdout
    machine.connect("codex")
    values = dict(re.findall(r"^export (\w+)=(http\S+)$", printed, re.M))
    done = machine.run("connect", "env", "--check", OPENAI_API_KEY=machine.key, **values)
    assert machine.gateway.last_turn()["request_id"] in done.stdout


def test_check_names_the_setting_that_is_wrong(machine):
    def fails(code, client, **extra):
        done = machine.run("connect", client, "--check", status=1, **extra)
        assert f"error[{code}]" in done.stderr, done.stderr
        return done.stderr
    fails("not_connected", "codex")
    machine.connect("codex")
    config = machine.home / ".codex/config.toml"
    text = config.read_text()
    config.write_text(text.replace(f"{machine.url}/v1", f"{machine.gateway.simulation.url}/v1"))
    assert "weir doctor --client codex" in fails("not_through_weir", "codex")
    config.write_text(text.replace("credential\"", "absent\""))
    fails("credential_failed", "codex")
    config.write_text(re.sub(r'\nmodel = "[^"]*"', '\nmodel = "nobody-has-it"', "\n" + text))
    assert "nobody-has-it" in fails("call_refused", "codex")
    config.write_text(text)
    (machine.home / ".config/weir/key").write_text(machine.key[:-1] + "x\n")
    assert "weir login" in fails("call_refused", "codex")


# What misses the gateway.

def test_a_connected_client_leaks_nothing(machine):
    machine.repository()
    for client in ("opencode", "claude-code", "codex", "crush", "aider", "mini-swe-agent", "gemini-cli", "continue"):
        machine.connect(client, "--yes")
        assert machine.doctor(client).stdout.startswith("ok")


@pytest.mark.parametrize("client, files, environment, expected", [
    ("codex", {"home/.codex/config.toml": 'model = "o3"\n'}, {}, "no model_provider"),
    ("codex", {"home/.codex/work.config.toml": 'model_provider = "openai"\n'}, {}, "the profile work"),
    ("claude-code", {}, {"ANTHROPIC_API_KEY": "sk-ant-1"}, "ANTHROPIC_API_KEY"),
    ("claude-code", {}, {"CLAUDE_CODE_USE_BEDROCK": "1"}, "CLAUDE_CODE_USE_BEDROCK"),
    ("claude-code", {"work/.claude/settings.local.json": '{"env":{"ANTHROPIC_BASE_URL":"https://api.anthropic.com"}}'}, {}, "settings.local.json"),
    ("opencode", {"home/.local/share/opencode/auth.json": '{"anthropic":{"type":"oauth"}}'}, {}, "auth.json"),
    ("opencode", {"work/opencode.json": '{"small_model":"openai/gpt-5-nano"}'}, {}, "small_model"),
    ("opencode", {"system/etc/opencode/opencode.json": '{"provider":{"corp":{"options":{"baseURL":"https://x"}}}}'}, {}, "corp"),
    ("opencode", {}, {"OPENCODE_CONFIG_CONTENT": '{"model":"groq/llama"}'}, "OPENCODE_CONFIG_CONTENT"),
    ("opencode", {}, {"GROQ_API_KEY": "gsk_1"}, "GROQ_API_KEY"),
    ("crush", {"work/.crush.json": '{"providers":{"x":{"base_url":"https://api.x.ai/v1"}}}'}, {}, "https://api.x.ai/v1"),
    ("crush", {"work/crushrc": "provider add x --type openai"}, {}, "crushrc"),
    ("aider", {"work/.aider.conf.yml": "weak-model: groq/llama\n"}, {}, "weak-model"),
    ("mini-swe-agent", {}, {"OPENAI_API_KEY": "sk-1"}, "OPENAI_API_KEY"),
    ("gemini-cli", {"work/.gemini/settings.json": '{"security":{"auth":{"selectedType":"oauth-personal"}}}'}, {}, "oauth-personal"),
    ("continue", {"home/.continue/extra": ""}, {}, None),
    ("env", {}, {"OPENAI_API_KEY": "sk-1"}, "OPENAI_API_KEY"),
    ("env", {}, {"OPENAI_BASE_URL": "https://api.openai.com/v1"}, "OPENAI_BASE_URL"),
])
def test_the_doctor_finds_a_leak_and_its_mend(machine, client, files, environment, expected):
    machine.repository()
    machine.connect(client, *([] if client == "env" else ["--yes"]))
    if client == "opencode" and expected in ("auth.json", "GROQ_API_KEY", "corp"):
        # Without the list of enabled providers, which shuts these.
        path = machine.home / ".config/opencode/opencode.json"
        settings = json.loads(path.read_text())
        del settings["enabled_providers"]
        path.write_text(json.dumps({**settings, "disabled_providers": ["opencode"]}))
    for name, text in files.items():
        machine.write(name, text)
    done = machine.doctor(client, status=1 if expected else 0, **environment)
    if expected:
        found = done.stdout.split("!!  ")[1:]
        assert len(found) == 1 and expected in found[0] and len(found[0].strip().splitlines()) == 2, done.stdout
    for value in environment.values():
        assert not value.startswith(("sk-", "gsk_")) or value not in done.stdout, "a key is never shown"


def test_the_doctor_of_a_client_needs_to_know_the_gateway(machine):
    assert "error[no_gateway]" in machine.run("doctor", "--client", "codex", status=1).stderr
    assert "emacs" in machine.run("doctor", "--client", "emacs", status=2).stderr
