"""OpenCode's configuration: the checker against documents made by hand, then what the gateway serves and `weir connect` writes."""

import copy
import json
import subprocess

import pytest

from connect_kit import Machine
from gateway import gateway_with
from opencode_client import documents
from opencode_client.wire import BY_NAME, send
from test_login import ask

URL = "https://gw.example"
MODEL = {"name": "Fast", "tool_call": True, "attachment": True, "limit": {"context": 200_000, "output": 32_000},
         "modalities": {"input": ["text", "image"], "output": ["text"]}, "cost": {"input": 0.25, "output": 2, "cache_read": 0.025}}
FIRST = {
    "$schema": "https://opencode.ai/config.json",
    "provider": {"weir": {
        "npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{URL}/v1", "apiKey": "k"}, "models": {"fast": MODEL}}},
    "model": "weir/fast", "small_model": "weir/fast", "enabled_providers": ["weir"],
}
SECOND = {
    "providers": {"weir": {
        "env": ["WEIR_KEY"], "package": "@opencode/ai/providers/openai-compatible", "settings": {"baseURL": f"{URL}/v1"},
        "models": {"fast": {"limit": {"context": 9, "output": 4}, "cost": [{"input": 1, "output": 2, "cache": {"read": 0.1}}]}}}},
    "model": "weir/fast", "agents": {"title": {"model": "weir/fast"}},
    "experimental": {"policies": [
        {"action": "provider.use", "resource": "*", "effect": "deny"}, {"action": "provider.use", "resource": "weir", "effect": "allow"}]},
}
MANIFEST = {"auth": {"command": ["sh", "-c", "x"], "env": "WEIR_KEY"}, "config": {},
            "remote_config": {"url": f"{URL}/opencode/config", "headers": {"Authorization": "Bearer {env:WEIR_KEY}"}}}


def changed(document, path, value):
    """The document with one member set, or taken away by None."""
    made = copy.deepcopy(document)
    *above, last = path.split(".")
    place = made
    for name in above:
        place = place.setdefault(name, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return made


def test_good_documents_have_no_problem():
    assert documents.first(FIRST, URL, "k") == []
    assert documents.second(SECOND, URL) == []
    assert documents.manifest(MANIFEST, URL) == []


@pytest.mark.parametrize("path, value, words", [
    ("providers", {}, "unknown member providers"),
    ("provider.weir.options.baseURL", "https://api.openai.com/v1", "is not on"),
    ("provider.weir.options.baseURL", "https://gw.example.evil.com/v1", "is not on"),
    ("provider.weir.options.baseURL", f"{URL}/v1/", "does not end in /v1"),
    ("provider.weir.options.baseURL", None, "goes to the vendor"),
    ("provider.weir.options.apiKey", "other", "not the key"),
    ("provider.weir.options.headers", {"x-weir-repo": 1}, "no text"),
    ("provider.weir.npm", "@ai-sdk/openai-compat", "npm"),
    ("provider.weir.models.fast.limit", None, "no limit"),
    ("provider.weir.models.fast.limit.output", None, "not a count"),
    ("provider.weir.models.fast.limit.context", 100, "more output"),
    ("provider.weir.models.fast.cost.input", 0.00000025, "no price of a million"),
    ("provider.weir.models.fast.cost.output", "2", "not a number"),
    ("provider.weir.models.fast.cost.cache", {"read": 1}, "unknown member cache"),
    ("provider.weir.models.fast.modalities", None, "attachment without modalities"),
    ("provider.weir.models.fast.contextWindow", 1, "unknown member"),
    ("small_model", None, "small_model: not set"),
    ("small_model", "openai/gpt-5-nano", "is no model of these"),
    ("enabled_providers", None, "not set"),
    ("enabled_providers", ["weir", "openai"], "openai is not sent"),
    ("disabled_providers", ["weir"], "is enabled too"),
])
def test_bad_documents_of_the_first_version(path, value, words):
    assert any(words in problem for problem in documents.first(changed(FIRST, path, value), URL, "k"))


@pytest.mark.parametrize("path, value, words", [
    ("providers.weir.settings.baseURL", "https://api.openai.com/v1", "is not on"),
    ("providers.weir.npm", "x", "unknown member npm"),
    ("providers.weir.package", None, "package: missing"),
    ("providers.weir.models.fast.cost", {"input": 1, "output": 2, "cache_read": 1}, "unknown member cache_read"),
    ("agents", None, "titles may go"), ("experimental", None, "other providers"),
])
def test_bad_documents_of_the_second_version(path, value, words):
    assert any(words in problem for problem in documents.second(changed(SECOND, path, value), URL))


@pytest.mark.parametrize("path, value", [
    ("auth", None), ("auth.command", "sh"), ("auth.env", "weir-key"), ("config", []), ("remote_config.url", "https://x/c"),
    ("remote_config.headers", {}), ("login", 1),
])
def test_bad_manifests(path, value):
    assert documents.manifest(changed(MANIFEST, path, value), URL)


def test_references_are_put_in_as_the_client_puts_them_in(tmp_path):
    (tmp_path / "key").write_text('weir_k_"x"\n')
    text = '{"a":"{env:KEY}","b":"{file:~/key}","c":"{file:key}","d":"{env:NONE}"}'
    done = documents.substituted(text, {"KEY": "k\\1"}, home=tmp_path, folder=tmp_path)
    assert done == {"a": "k\\1", "b": 'weir_k_"x"', "c": 'weir_k_"x"', "d": ""}
    with pytest.raises(documents.BadReference):
        documents.substituted('{"a":"{file:~/none}"}', home=tmp_path)


# What the gateway serves

CONFIGURATION = "public_models: \"yes\"\n"


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(CONFIGURATION) as made:
        yield made


def test_the_manifest_that_is_served(gateway):
    document = json.loads(ask(gateway, "GET", "/.well-known/opencode")[2])
    assert documents.manifest(document, gateway.weir.url) == []
    text = json.dumps(document["config"])
    assert documents.first(documents.substituted(text, {"WEIR_KEY": gateway.key}), gateway.weir.url, gateway.key) == []


@pytest.mark.parametrize("models", [(), ("--model", "claude-*"), ("--model", "gpt-5*")])
def test_the_configuration_that_is_served(gateway, models):
    key = gateway.weir.key(*models)
    text = ask(gateway, "GET", "/opencode/config", Authorization=f"Bearer {key}")[2]
    document = documents.substituted(text, {"WEIR_KEY": key})
    assert documents.first(document, gateway.weir.url, key) == []
    offered = [model for provider in document["provider"].values() for model in provider.get("models", {}).values()]
    assert any("image" in model["modalities"]["input"] for model in offered)


def test_the_configuration_of_a_revoked_key(gateway):
    key = gateway.weir.key()
    gateway.weir.cli("key", "revoke", key.split("_")[2])
    text = ask(gateway, "GET", "/opencode/config", Authorization=f"Bearer {key}")[2]
    assert documents.first(documents.substituted(text, {"WEIR_KEY": key}), gateway.weir.url, key) == []


def test_the_list_of_models_that_is_served(gateway):
    text = ask(gateway, "GET", "/opencode/api.json", Authorization=f"Bearer {gateway.key}")[2]
    names = [name for name, _ in json.loads(text, object_pairs_hook=lambda pairs: pairs)]
    assert len(names) == len(set(names))
    assert documents.models_list(json.loads(text), gateway.weir.url) == []


# What `weir connect opencode` writes

def merged(base, over):
    """OpenCode's merging: objects by member, everything else is replaced."""
    result = dict(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(name), dict)
        result[name] = merged(base[name], value) if both else value
    return result


def test_the_users_and_the_projects_files(gateway, tmp_path):
    machine = Machine(tmp_path, gateway)
    machine.repository()
    machine.connect("opencode")
    machine.connect("opencode", "--scope", "project", "--yes")
    files = [machine.home / ".config/opencode/opencode.json", machine.work / "opencode.json"]
    user, project = (documents.substituted(file.read_text(), home=machine.home, folder=file.parent) for file in files)
    assert documents.first(user, gateway.weir.url, gateway.key) == []
    both = merged(user, project)
    assert documents.first(both, gateway.weir.url, gateway.key) == []
    assert both["provider"]["weir"]["options"]["headers"] == {"x-weir-repo": "github.com/acme/shop"}
    assert gateway.key not in files[1].read_text()


def test_the_fleets_file_holds_no_key_and_needs_a_login_first(gateway, tmp_path):
    machine = Machine(tmp_path, gateway)
    machine.connect("opencode", "--managed")
    text = (machine.system / "etc/opencode/opencode.json").read_text()
    assert gateway.key not in text
    with pytest.raises(documents.BadReference):
        documents.substituted(text, home=tmp_path)
    machine.write("home/.config/weir/key", f"{gateway.key}\n", 0o600)
    assert documents.first(documents.substituted(text, home=machine.home), gateway.weir.url, gateway.key) == []


CALL = """
const plugin = (await import(process.argv[1])).default;
const [directory, baseURL] = process.argv.slice(2);
const client = { session: { get: async () => ({ data: {} }) } };
const hooks = await plugin.server({ client, directory });
const end = Date.now() + 15000;
let output;
do {
  output = { headers: {} };
  const call = { sessionID: "ses_plugin", agent: "build", provider: { options: { baseURL } }, model: {} };
  await hooks["chat.headers"](call, output);
} while (!output.headers["x-weir-commit"] && Date.now() < end);
console.log(JSON.stringify(output.headers));
"""


def test_the_plugin_that_connect_installs_names_the_repository_in_the_ledger(gateway, tmp_path):
    machine = Machine(tmp_path, gateway)
    machine.repository()
    machine.connect("opencode")
    installed = machine.home / ".config/opencode/plugins/weir.js"
    assert f'\nconst GATEWAY = "{gateway.weir.url}";\n' in installed.read_text()
    module = tmp_path / "weir.mjs"
    module.write_bytes(installed.read_bytes())
    done = subprocess.run(
        ["node", "--input-type=module", "-e", CALL, module, machine.work, f"{gateway.weir.url}/v1"],
        capture_output=True, text=True, check=True)
    send(gateway, BY_NAME["v1_chat"], headers=json.loads(done.stdout).items())
    turn = gateway.last_turn()
    assert {name: turn[name]["value"] for name in ("repository", "branch", "session", "agent")} == {
        "repository": "github.com/acme/shop", "branch": "topic", "session": "ses_plugin", "agent": "build"}
    assert len(turn["commit"]["value"]) == 40
