"""What OpenCode reads of a gateway: the manifest, the configuration for good and bad keys, the list of models, the plugin."""

import json
import shutil
import subprocess

import pytest

import weirkit
from gateway import gateway_with
from test_login import ask

CONFIGURATION = """
  - name: house
    kind: openai-compatible
    base_url: https://models.invalid/v1
    models: [house-large, gpt-5.2]
    aliases: {fast: house-large}
prices:
  - {provider: house, model: house-large, input: 1.25, output: 10, cache_read: 0.125}
"""


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(CONFIGURATION) as made:
        yield made


def config(gateway, key):
    status, found, text = ask(gateway, "GET", "/opencode/config", Authorization=f"Bearer {key}")
    assert found["content-type"] == "application/json" and found["cache-control"] == "no-store"
    return status, found, json.loads(text)


@pytest.mark.parametrize("path", ["/.well-known/opencode", "/.well-known/opencode/", "//.well-known/opencode"])
def test_the_manifest_says_how_to_log_in_and_where_the_configuration_is(gateway, path):
    status, found, text = ask(gateway, "GET", path)
    manifest = json.loads(text)
    assert status == 200 and found["content-type"] == "application/json" and "location" not in found
    assert manifest["auth"]["env"] == "WEIR_KEY" and manifest["auth"]["command"][:2] == ["sh", "-c"]
    assert f"{gateway.weir.url}/opencode/login.sh" in manifest["auth"]["command"][2]
    assert manifest["remote_config"] == {
        "url": f"{gateway.weir.url}/opencode/config", "headers": {"Authorization": "Bearer {env:WEIR_KEY}"}}
    assert manifest["config"] == {}, "no model name is told without a key"
    status, found, text = ask(gateway, "HEAD", path)
    assert status == 200 and text == "" and int(found["content-length"]) > 100


@pytest.mark.parametrize("host", ["a;id", "$(id)", "a b", "a'b", 'a"b', "a/../b", "-x", "a:99999", "a@b", "[::1", ""])
def test_a_host_that_is_none_is_not_echoed_into_a_command(gateway, host):
    for path in ("/.well-known/opencode", "/opencode/plugin.js", "/.well-known/oauth-authorization-server"):
        status, _, text = ask(gateway, "GET", path, Host=host)
        assert status == 400 and (not host or host not in text)


@pytest.mark.parametrize("host", ["gw.example", "GW.example:8443", "[::1]:8787", "10.0.0.1"])
def test_a_host_name_is_the_origin_when_nothing_else_is_set(gateway, host):
    manifest = json.loads(ask(gateway, "GET", "/.well-known/opencode", Host=host)[2])
    assert manifest["remote_config"]["url"] == f"http://{host}/opencode/config"


def test_a_key_gets_its_own_models_with_limits_and_prices(gateway):
    status, _, document = config(gateway, gateway.key)
    assert status == 200 and document["$schema"] == "https://opencode.ai/config.json"
    weir, claude = document["provider"]["weir"], document["provider"]["weir-anthropic"]
    assert (weir["npm"], claude["npm"]) == ("@ai-sdk/openai-compatible", "@ai-sdk/anthropic")
    for provider in document["provider"].values():
        assert provider["options"] == {"baseURL": f"{gateway.weir.url}/v1", "apiKey": "{env:WEIR_KEY}"}
    assert weir["models"]["fast"]["cost"] == {"input": 1.25, "output": 10, "cache_read": 0.125}
    for model in [*weir["models"].values(), *claude["models"].values()]:
        assert model["limit"]["context"] > model["limit"]["output"] > 0 and model["tool_call"] is True
    assert "claude-sonnet-4-5" in claude["models"] and not any(name.startswith("claude") for name in weir["models"])
    assert claude["models"]["claude-sonnet-4-5"]["cost"] == {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}
    # What two providers have is asked for by both names.
    assert "house/gpt-5.2" in weir["models"] and "gpt-5.2" not in weir["models"]
    assert not any("embedding" in name or "image" in name for name in weir["models"])
    assert document["enabled_providers"] == ["weir", "weir-anthropic"]
    assert {"openai", "anthropic", "opencode", "google", "openrouter"} <= set(document["disabled_providers"])
    for name in (document["model"], document["small_model"]):
        provider, _, model = name.partition("/")
        assert model in document["provider"][provider]["models"]


def test_a_key_sees_only_what_it_may_use(gateway):
    secret = gateway.weir.key("--model", "claude-*")
    document = config(gateway, secret)[2]
    assert "weir" not in document["provider"] and document["enabled_providers"] == ["weir-anthropic"]
    assert all(name.startswith("claude") for name in document["provider"]["weir-anthropic"]["models"])
    alias = gateway.weir.key("--model", "house-large")
    assert set(config(gateway, alias)[2]["provider"]["weir"]["models"]) == {"fast", "house-large"}
    # A key for one endpoint alone, too.
    assert config(gateway, gateway.weir.key("--endpoint", "messages"))[0] == 200


def test_every_offered_model_answers(gateway):
    secret = gateway.weir.key("--model", "simulated/*")
    document = config(gateway, secret)[2]
    model = next(iter(document["provider"]["weir"]["models"]))
    client = gateway.openai(key=secret)
    assert client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}]).choices


def test_a_bad_key_starts_the_agent_and_says_what_to_do(gateway):
    revoked = gateway.weir.key()
    gateway.weir.cli("key", "revoke", revoked.split("_")[2])
    early = gateway.weir.key("--not-before", "2h")
    elsewhere = gateway.weir.key("--network", "10.0.0.0/8")
    expired = gateway.weir.key()
    gateway.weir.cli("key", "update", expired.split("_")[2], "--expires", "2020-01-01T00:00:00Z")
    for key, code, words in [
        (revoked, "revoked_api_key", "key revoked"), (expired, "expired_api_key", "key expired"),
        (early, "api_key_not_yet_valid", "not valid yet"), (elsewhere, "address_not_allowed", "from this address"),
        ("nonsense", "invalid_api_key", "key not known"), (gateway.key[:-1] + "x", "invalid_api_key", "key not known"),
    ]:
        status, found, document = config(gateway, key)
        assert status == 200 and found["x-weir-refused"] == code
        assert set(document["provider"]) == {"weir"} and document["model"] == "weir/login-again"
        model = document["provider"]["weir"]["models"]["login-again"]["name"]
        assert words in model and f"opencode auth login {gateway.weir.url}" in model
        # The call itself is refused, in words.
        assert ask(gateway, "GET", "/v1/models", Authorization=f"Bearer {key}")[0] in (401, 403)
    status, found, text = ask(gateway, "GET", "/opencode/config")
    assert status == 401 and json.loads(text)["error"] == "invalid_api_key" and found["content-type"] == "application/json"


def test_the_list_of_models_has_models_devs_shape(gateway):
    status, _, text = ask(gateway, "GET", "/opencode/api.json", Authorization=f"Bearer {gateway.key}")
    document = json.loads(text)
    assert status == 200 and set(document) == {"weir", "weir-anthropic"}
    for id, provider in document.items():
        assert provider["id"] == id and provider["env"] == ["WEIR_KEY"] and provider["api"] == f"{gateway.weir.url}/v1"
        for name, model in provider["models"].items():
            assert model["id"] == name and {"limit", "modalities", "tool_call", "attachment", "reasoning", "temperature"} <= set(model)
    assert document["weir"]["models"]["house-large"]["cost"]["input"] == 1.25
    assert ask(gateway, "GET", "/opencode/api.json")[0] == 401


def test_the_plugin_knows_its_gateway(gateway, tmp_path):
    status, found, text = ask(gateway, "GET", "/opencode/plugin.js")
    source = (weirkit.ROOT / "clients/opencode/weir.js").read_text()
    assert status == 200 and found["content-type"].startswith("text/javascript")
    assert text == source.replace('\nconst GATEWAY = "";\n', f'\nconst GATEWAY = "{gateway.weir.url}";\n') and text != source


def test_the_shim_is_served_as_it_stands(gateway):
    status, _, text = ask(gateway, "GET", "/shim.sh")
    assert status == 200 and text == (weirkit.ROOT / "Sources/AgentOrigin/Files/weir-credential.sh").read_text()
    assert subprocess.run(["sh", "-n"], input=text, text=True).returncode == 0


def test_an_operator_sets_the_address_the_models_and_what_is_public():
    settings = """
public_url: https://weir.acme.example
public_models: "yes"
opencode:
  model: claude-opus-4-8
  small_model: claude-haiku-4-5
"""
    with gateway_with(settings) as own:
        manifest = json.loads(ask(own, "GET", "/.well-known/opencode", Host="elsewhere.example")[2])
        assert manifest["remote_config"]["url"] == "https://weir.acme.example/opencode/config"
        assert "curl -fsSg --proto =https 'https://weir.acme.example/opencode/login.sh'" in manifest["auth"]["command"][2]
        assert manifest["config"]["model"] == "weir-anthropic/claude-opus-4-8"
        assert manifest["config"]["small_model"] == "weir-anthropic/claude-haiku-4-5"
        assert ask(own, "GET", "/opencode/api.json")[0] == 200
        own.weir.cli("team", "create", "web")
        invited = own.weir.cli("developer", "invite", "w", "--team", "web").stderr
        assert "weir login https://weir.acme.example --invite" in invited
        # Reloaded whole, or not at all.
        text = own.weir.config_path.read_text()
        own.weir.config_path.write_text(text.replace("https://weir.acme.example", "https://new.acme.example"))
        weirkit.wait_until(
            lambda: "https://new.acme.example" in ask(own, "GET", "/.well-known/opencode")[2], what="the new address")
        own.weir.config_path.write_text(text.replace("https://weir.acme.example", "https://x/$(id)"))
        checked = own.weir.cli("config", "check", str(own.weir.config_path), check=False)
        assert checked.returncode == 1 and "public_url must be" in checked.stdout + checked.stderr
