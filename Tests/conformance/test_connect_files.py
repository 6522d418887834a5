"""`weir connect`: every file that it writes is one that the client can read, twice is once, and undone is as it was."""

import json
import os
import shlex
import subprocess
import urllib.request

import pytest

from connect_kit import CLIENTS, REPOSITORY, Machine, read_dotenv, read_json, read_toml, read_yaml

WRITING = [client for client in CLIENTS if client != "cline"]


@pytest.fixture
def machine(tmp_path, gateway):
    return Machine(tmp_path, gateway)


def parsed(path):
    """A file in its client's own format."""
    name = str(path)
    if name.endswith((".json", ".jsonc")):
        return read_json(path)
    if name.endswith(".toml"):
        return read_toml(path)
    if name.endswith((".yml", ".yaml")):
        return read_yaml(path)
    if name.endswith(".env"):
        return read_dotenv(path)
    return path.read_text()


@pytest.mark.parametrize("client", CLIENTS)
def test_one_command_on_a_fresh_machine_twice_is_once_and_undone_is_as_before(machine, client):
    machine.repository()
    before = machine.files()
    # env is printed, unless a profile may be changed.
    options = ["--yes"] if client == "env" else []
    machine.connect(client, *options)
    once = machine.files()
    for name, content in once.items():
        if content and name not in before:
            assert parsed(machine.root / name)
            secret = machine.key.encode() in content[0]
            assert not secret or content[1] == 0o600, f"{name} holds the key and is {content[1]:o}"
    again = machine.run("connect", client, *options)
    assert machine.files() == once
    assert client == "cline" or "nothing was changed" in again.stderr
    machine.run("connect", client, "--undo")
    assert machine.files() == before
    assert "was not connected" in machine.run("connect", client, "--undo").stderr


EXISTING = {
    "opencode": ("home/.config/opencode/opencode.jsonc", '\ufeff{\r\n\t// mine\r\n\t"theme": "x", /* y */\r\n\t"provider": {"a": {}},\r\n}'),
    "claude-code": ("home/.claude/settings.json", '{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine", "A": "1"}, "model": "opus"}'),
    "codex": ("home/.codex/config.toml", '# mine\nmodel = "o3" # c\n\n[profiles.x]\nmodel = "y"\n\n[model_providers.mine]\nname = \'\'\'\n[t]\'\'\''),
    "crush": ("home/.config/crush/crush.json", '{"lsp":{"go":{"command":"gopls"}}}\n'),
    "aider": ("home/.aider.conf.yml", "# mine\nmodel: gpt-4o   # old\nread:\n- A.md\ndark-mode: true"),
    "mini-swe-agent": ("home/.config/mini-swe-agent/.env", "MSWEA_COST_TRACKING='default'\r\nOTHER=1 # x\r\n"),
    "gemini-cli": ("home/.gemini/settings.json", '{"security": {"auth": {"selectedType": "oauth-personal"}}, "ui": {}}'),
    "continue": ("home/.continue/config.yaml", "name: Mine\nmodels:\n  - name: Local\n    provider: ollama\n    model: x\nrules: []\n"),
    "env": ("home/.profile", "PATH=$PATH:/x\nalias l='ls'"),
}


@pytest.mark.parametrize("client", WRITING)
def test_an_existing_file_is_shown_before_it_is_touched_and_given_back_to_the_byte(machine, client):
    name, text = EXISTING[client]
    path = machine.write(name, text, mode=0o640)
    before = machine.files()
    if client != "env":
        refused = machine.connect(client, status=1)
        assert "error[not_confirmed]" in refused.stderr and "--yes" in refused.stderr
        assert machine.files() == before, "nothing is written without a yes"
        assert str(path) in refused.stderr and "\n  +" in refused.stderr
        assert machine.key not in refused.stderr + refused.stdout
    machine.connect(client, "--yes")
    once = machine.files()
    assert once != before
    after = path.read_bytes().decode()
    for line in ("// mine", "# mine", "alias l='ls'", "OTHER=1 # x"):
        assert line not in text or line in after
    machine.connect(client, "--yes")
    assert machine.files() == once
    machine.run("connect", client, "--undo")
    assert machine.files() == before


def test_what_the_user_wrote_since_stays_when_it_is_undone(machine):
    path = machine.write("home/.codex/config.toml", 'model = "o3"\n')
    machine.connect("codex", "--yes")
    path.write_text("# later\n" + path.read_text() + "\n[tools]\nweb_search = true\n")
    machine.run("connect", "codex", "--undo")
    assert read_toml(path) == {"model": "o3", "tools": {"web_search": True}}
    assert path.read_text().startswith("# later\n")


def test_a_link_stays_a_link(machine):
    real = machine.write("dotfiles/settings.json", "{}")
    link = machine.home / ".claude/settings.json"
    link.parent.mkdir()
    link.symlink_to(real)
    machine.connect("claude-code", "--yes")
    assert link.is_symlink() and "apiKeyHelper" in read_json(real)
    machine.run("connect", "claude-code", "--undo")
    assert link.is_symlink() and real.read_text() == "{}"


def test_a_link_to_nothing_stays_a_link(machine):
    link = machine.home / ".codex/config.toml"
    link.parent.mkdir()
    link.symlink_to("../dotfiles.toml")
    machine.connect("codex")
    assert link.is_symlink() and read_toml(machine.home / "dotfiles.toml")["model_provider"] == "weir"
    machine.run("connect", "codex", "--undo")
    assert link.is_symlink() and not (machine.home / "dotfiles.toml").exists()


def test_the_key_is_stored_as_login_stores_it(machine):
    machine.connect("codex")
    folder = machine.home / ".config/weir"
    stored = read_json(folder / "credentials.json")
    assert stored["current"] == machine.url
    assert stored["gateways"][machine.url]["key"] == machine.key
    assert (folder / "key").read_text() == machine.key + "\n"
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("", "credentials.json", "key", "credential")}
    assert modes == {"": 0o700, "credentials.json": 0o600, "key": 0o600, "credential": 0o755}
    # From now on neither has to be given.
    machine.run("connect", "claude-code")
    assert read_json(machine.home / ".claude/settings.json")["env"]["ANTHROPIC_BASE_URL"] == machine.url


def test_a_key_need_not_stand_in_the_history_of_a_shell(machine):
    machine.run("connect", "codex", "--gateway", machine.url, WEIR_KEY=machine.key)
    assert (machine.home / ".config/weir/key").read_text() == machine.key + "\n"


def test_codex_asks_the_command_for_its_key(machine):
    machine.connect("codex", "--model", "gpt-5.5")
    settings = read_toml(machine.home / ".codex/config.toml")
    provider = settings["model_providers"][settings["model_provider"]]
    assert settings["model"] == "gpt-5.5"
    assert provider["base_url"] == f"{machine.url}/v1" and provider["wire_api"] == "responses" and "env_key" not in provider
    done = subprocess.run(
        [provider["auth"]["command"], *provider["auth"].get("args", [])], cwd=machine.repository(), capture_output=True, text=True,
        env={"HOME": str(machine.home), "PATH": os.environ["PATH"]}, check=True)
    assert done.stdout.split(".")[0].strip() == machine.key


def test_claude_code_is_not_left_with_two_keys(machine):
    path = machine.write("home/.claude/settings.json", json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": "x", "A": "1"}}))
    machine.connect("claude-code", "--yes")
    settings = read_json(path)
    assert "ANTHROPIC_AUTH_TOKEN" not in settings["env"] and settings["env"]["A"] == "1"
    done = subprocess.run(
        ["sh", "-c", settings["apiKeyHelper"]], cwd=machine.work, capture_output=True, text=True, check=True,
        env={"HOME": str(machine.home), "PATH": os.environ["PATH"]})
    assert done.stdout.startswith(machine.key)


def test_opencode_has_two_dialects_and_nothing_else_is_enabled(machine):
    machine.connect("opencode")
    settings = read_json(machine.home / ".config/opencode/opencode.json")
    assert settings["enabled_providers"] == ["weir", "weir-anthropic"]
    for provider, package in (("weir", "@ai-sdk/openai-compatible"), ("weir-anthropic", "@ai-sdk/anthropic")):
        block = settings["provider"][provider]
        assert block["npm"] == package and block["options"]["baseURL"] == f"{machine.url}/v1" and block["models"]
        assert block["options"]["apiKey"] == "{file:%s}" % (machine.home / ".config/weir/key")
    for name in ("model", "small_model"):
        provider, model = settings[name].split("/", 1)
        assert model in settings["provider"][provider]["models"]
    assert settings["model"] != settings["small_model"]


# Members that the documents of the two name, with those that they require [opencode.ai/v1/docs/config, models.dev; crush schema.json].
OPENCODE_PROVIDER = {"npm", "name", "options", "models"}
OPENCODE_MODEL = {"modalities", "name", "tool_call", "reasoning", "attachment", "limit", "cost"}
CRUSH_MODEL = {
    "id": str, "name": str, "cost_per_1m_in": (int, float), "cost_per_1m_out": (int, float), "cost_per_1m_in_cached": (int, float),
    "cost_per_1m_out_cached": (int, float), "context_window": int, "default_max_tokens": int, "can_reason": bool, "supports_attachments": bool}


def test_opencode_is_told_nothing_that_its_schema_does_not_know(machine):
    machine.connect("opencode")
    settings = read_json(machine.home / ".config/opencode/opencode.json")
    assert set(settings) == {"$schema", "provider", "enabled_providers", "model", "small_model"}
    priced = 0
    for provider in settings["provider"].values():
        assert set(provider) == OPENCODE_PROVIDER and set(provider["options"]) == {"baseURL", "apiKey"}
        for model in provider["models"].values():
            assert set(model) <= OPENCODE_MODEL and set(model["limit"]) == {"context", "output"}
            assert all(type(value) is int and value > 0 for value in model["limit"].values())
            assert set(model.get("cost", {})) <= {"input", "output", "cache_read", "cache_write"}
            priced += "cost" in model
    # Dollars for a million tokens, as the gateway's own list says.
    assert priced > 10
    request = urllib.request.Request(f"{machine.url}/opencode/api.json", headers={"authorization": f"Bearer {machine.key}"})
    listed = {name: model for provider in json.load(urllib.request.urlopen(request)).values()
              for name, model in provider["models"].items()}
    for provider in settings["provider"].values():
        for name, model in provider["models"].items():
            assert model.get("cost") == listed[name].get("cost") and model["limit"]["context"] == listed[name]["limit"]["context"]


def test_crush_is_told_all_that_its_schema_requires(machine):
    machine.connect("crush")
    settings = read_json(machine.home / ".config/crush/crush.json")
    assert set(settings) == {"$schema", "providers", "options", "models"} and set(settings["models"]) == {"large", "small"}
    for provider in settings["providers"].values():
        assert set(provider) == {"name", "type", "base_url", "api_key", "models"} and provider["type"] in ("openai-compat", "anthropic")
        for model in provider["models"]:
            assert set(model) == set(CRUSH_MODEL)
            assert all(isinstance(model[name], kind) for name, kind in CRUSH_MODEL.items())
    for chosen in settings["models"].values():
        assert chosen["model"] in [model["id"] for model in settings["providers"][chosen["provider"]]["models"]]


def test_the_project_file_names_the_repository_without_a_credential(machine):
    machine.repository(remote="https://user:s3cret@GitHub.com/acme/shop.git")
    for client, name, path in (
            ("opencode", "opencode.json", ("provider", "weir", "options", "headers", "x-weir-repo")),
            ("crush", ".crush.json", ("providers", "weir", "extra_headers", "x-weir-repo"))):
        machine.connect(client, "--scope", "project")
        value = read_json(machine.work / name)
        for part in path:
            value = value[part]
        assert value == REPOSITORY
    machine.connect("claude-code", "--scope", "project")
    assert read_json(machine.work / ".claude/settings.json")["env"]["ANTHROPIC_CUSTOM_HEADERS"] == f"x-weir-repo: {REPOSITORY}"
    machine.connect("aider", "--scope", "project")
    entries = read_yaml(machine.work / ".aider.model.settings.yml")
    assert entries == [{"name": "aider/extra_params", "extra_params": {"extra_headers": {"x-weir-repo": REPOSITORY}}}]
    for path in machine.work.rglob("*"):
        if path.is_file() and ".git/" not in str(path):
            assert "s3cret" not in path.read_text() and machine.key not in path.read_text()
    for client in ("opencode", "crush", "claude-code", "aider"):
        machine.run("connect", client, "--scope", "project", "--undo")
    assert [path.name for path in machine.work.iterdir()] == [".git"]


def test_telemetry_goes_to_the_gateway_with_the_key(machine):
    machine.connect("claude-code", "--telemetry")
    settings = read_json(machine.home / ".claude/settings.json")
    assert settings["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == machine.url and "DISABLE_TELEMETRY" not in settings["env"]
    done = subprocess.run(
        ["sh", "-c", settings["otelHeadersHelper"]], cwd=machine.work, capture_output=True, text=True, check=True,
        env={"HOME": str(machine.home), "PATH": os.environ["PATH"]})
    assert json.loads(done.stdout) == {"Authorization": f"Bearer {machine.key}"}


@pytest.mark.parametrize("client", ["opencode", "claude-code", "codex", "crush"])
def test_a_home_with_spaces_and_quotes_works(tmp_path, gateway, client):
    machine = Machine(tmp_path / "it's a home", gateway)
    machine.repository()
    machine.connect(client)
    machine.run("connect", client, "--check")
    turn = gateway.last_turn()
    assert turn["status"] == 200 and turn["repository"]["value"] == REPOSITORY


def test_other_headers_of_a_project_stay_beside_ours(machine):
    machine.repository()
    headers = "x-team: web\nx-weir-repo: old/name"
    path = machine.write("work/.claude/settings.json", json.dumps({"env": {"ANTHROPIC_CUSTOM_HEADERS": headers}}))
    machine.connect("claude-code", "--scope", "project", "--yes")
    assert read_json(path)["env"]["ANTHROPIC_CUSTOM_HEADERS"] == f"x-team: web\nx-weir-repo: {REPOSITORY}"


def test_the_environment_is_what_a_shell_takes_in(machine):
    printed = machine.connect("env").stdout
    assert not (machine.home / ".profile").exists(), "without --yes it is only printed"
    machine.connect("codex")
    script = 'eval "$TEXT"; printf "%s\\n" "$OPENAI_BASE_URL" "$OPENAI_API_KEY" "$ANTHROPIC_BASE_URL" "$ANTHROPIC_AUTH_TOKEN" "$WEIR_KEY"'
    done = subprocess.run(["sh", "-c", script], env={"TEXT": printed, "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:5] == [f"{machine.url}/v1", machine.key, machine.url, machine.key, machine.key]
    machine.connect("env", "--yes", SHELL="/usr/bin/zsh")
    assert "weir" in (machine.home / ".zshrc").read_text()
    assert subprocess.run(["sh", "-n", str(machine.home / ".zshrc")]).returncode == 0


def test_cline_is_told_what_to_type(machine):
    done = machine.connect("cline")
    words = shlex.split(done.stdout)
    assert words[:2] == ["cline", "auth"] and f"{machine.url}/v1" in words
    assert machine.key not in done.stdout + done.stderr


@pytest.mark.parametrize("client", WRITING)
def test_print_writes_nothing_and_prints_what_can_be_read(machine, client):
    before = machine.files()
    done = machine.connect(client, "--print")
    assert machine.files() == before and not (machine.home / ".config/weir").exists()
    if client in ("opencode", "claude-code", "crush"):
        assert json.loads(done.stdout)
    elif client == "codex":
        import tomllib
        assert tomllib.loads(done.stdout)["model_provider"] == "weir"
    else:
        assert machine.url in done.stdout


@pytest.mark.parametrize("client, name", [
    ("opencode", "system/etc/opencode/opencode.json"),
    ("claude-code", "system/etc/claude-code/managed-settings.d/50-weir.json"),
    ("codex", "system/etc/codex/managed_config.toml"),
])
def test_a_fleet_gets_a_file_without_a_key(machine, client, name):
    done = machine.run("connect", client, "--managed", "--print", "--gateway", machine.url, "--offline")
    machine.connect(client, "--managed")
    path = machine.root / name
    settings = parsed(path)
    assert machine.url in json.dumps(settings) and machine.url in done.stdout
    assert machine.key not in path.read_text() and str(machine.home) not in path.read_text()
    assert not (machine.home / ".config/weir/key").exists(), "a fleet's file is nobody's login"
    # The developer's own command makes it work.
    if client != "opencode":
        command = ["sh", "-c", settings["apiKeyHelper"]] if client == "claude-code" else [
            settings["model_providers"]["weir"]["auth"]["command"], *settings["model_providers"]["weir"]["auth"]["args"]]
        machine.connect("mini-swe-agent")
        key = subprocess.run(command, env={"HOME": str(machine.home), "PATH": os.environ["PATH"]}, cwd=machine.work,
                             capture_output=True, text=True, check=True).stdout
        assert key.startswith(machine.key)
    machine.run("connect", client, "--managed", "--undo", "--system-root", machine.system)
    assert not path.exists()


@pytest.mark.parametrize("client", ["aider", "mini-swe-agent", "crush", "gemini-cli", "continue", "cline", "env"])
def test_a_scope_that_a_client_does_not_have_is_refused(machine, client):
    done = machine.connect(client, "--managed", status=1)
    assert "error[no_such_scope]" in done.stderr


def test_codex_has_no_project_file(machine):
    machine.repository()
    assert "by itself" in machine.connect("codex", "--scope", "project", status=1).stderr
