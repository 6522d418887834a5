"""OpenCode's configuration documents: what each version takes, and what in them would send traffic past the gateway.

Both functions give a list of problems in words; an empty list is a good document. Written from the documented settings of both
versions; `{env:NAME}` and `{file:path}` are put in first, as the clients do."""

import json
import pathlib
import re
import urllib.parse

# Version 1 refuses a whole file for one member that it does not know.
TOP = {
    "$schema", "logLevel", "server", "command", "skills", "watcher", "snapshot", "plugin", "share", "autoshare", "autoupdate",
    "disabled_providers", "enabled_providers", "model", "small_model", "default_agent", "username", "mode", "agent", "provider",
    "mcp", "formatter", "lsp", "instructions", "layout", "permission", "tools", "enterprise", "compaction", "experimental",
    "attachment", "reference", "shell", "tool_output", "subagent_depth",
}
PROVIDER = {"api", "name", "env", "id", "npm", "whitelist", "blacklist", "options", "models"}
MODEL = {
    "id", "name", "family", "release_date", "attachment", "reasoning", "temperature", "tool_call", "interleaved", "cost", "limit",
    "modalities", "experimental", "status", "provider", "options", "headers", "variants",
}
COST = {"input", "output", "cache_read", "cache_write", "context_over_200k"}
MODALITIES = {"text", "audio", "image", "video", "pdf"}
PACKAGES = {"@ai-sdk/openai-compatible", "@ai-sdk/openai", "@ai-sdk/anthropic"}
SECOND_PROVIDER = {"canonical", "name", "env", "package", "settings", "headers", "body", "models"}
SECOND_MODEL = {
    "modelID", "family", "name", "compatibility", "package", "settings", "headers", "body", "requestDefaults", "capabilities",
    "variants", "cost", "disabled", "limit",
}


class BadReference(Exception):
    """OpenCode ends at its start when a `{file:…}` is not there."""


def substituted(text, environment=None, home=None, folder="."):
    """A document's text with its references put in, parsed. A file's reference is JSON text itself."""
    environment = environment or {}
    text = re.sub(r"\{env:([^}]+)\}", lambda found: json.dumps(environment.get(found[1], ""))[1:-1], text)

    def file(found):
        path = found[1]
        path = pathlib.Path(home or ".", path[2:]) if path.startswith("~/") else pathlib.Path(folder, path)
        if not path.is_file():
            raise BadReference(f"{found[0]}: {path} does not exist")
        return json.dumps(path.read_text().strip())[1:-1]

    return json.loads(re.sub(r"\{file:([^}]+)\}", file, text))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def unknown(where, value, known):
    return [f"{where}: unknown member {name}" for name in value if name not in known]


def texts(where, value):
    fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return [] if fits else [f"{where}: not a list of texts"]


def price(where, cost, known):
    """USD for a million tokens. Prices by the token, or by the thousand, would be far smaller."""
    problems = unknown(where, cost, known)
    for name in ("input", "output"):
        if not is_number(cost.get(name)):
            problems.append(f"{where}.{name}: not a number")
        elif 0 < cost[name] < 0.005:
            problems.append(f"{where}.{name}: {cost[name]} is no price of a million tokens")
    return problems


def limits(where, limit):
    problems = unknown(where, limit, {"context", "input", "output"})
    for name in ("context", "output"):
        if not isinstance(limit.get(name), int) or isinstance(limit.get(name), bool) or limit[name] <= 0:
            problems.append(f"{where}.{name}: not a count of tokens")
    if not problems and limit["output"] > limit["context"]:
        problems.append(f"{where}: more output than context")
    return problems


def first_model(where, model):
    problems = unknown(where, model, MODEL)
    for name in ("attachment", "reasoning", "temperature", "tool_call"):
        if name in model and not isinstance(model[name], bool):
            problems.append(f"{where}.{name}: not a yes or no")
    kinds = model.get("modalities", {})
    for name in ("input", "output"):
        if not set(kinds.get(name, [])) <= MODALITIES:
            problems.append(f"{where}.modalities.{name}: unknown kind")
    if model.get("attachment") and "image" not in kinds.get("input", []):
        problems.append(f"{where}: attachment without modalities; pictures are replaced by words")
    if "tool_call" in model and "text" not in kinds.get("input", ["text"]):
        problems.append(f"{where}.modalities.input: no text")
    if "limit" not in model:
        problems.append(f"{where}: no limit, so compaction cannot tell when")
    problems += limits(f"{where}.limit", model.get("limit", {"context": 1, "output": 1}))
    if "cost" in model:
        problems += price(f"{where}.cost", model["cost"], COST)
        for name in ("cache_read", "cache_write"):
            if name in model["cost"] and not is_number(model["cost"][name]):
                problems.append(f"{where}.cost.{name}: not a number")
    return problems


def goes_to(where, address, gateway):
    """Whether a base URL is on the gateway and looks like one that its client can join a path to."""
    if not isinstance(address, str) or not address:
        return [f"{where}: no base URL, so it goes to the vendor"]
    mine, its = urllib.parse.urlsplit(gateway), urllib.parse.urlsplit(address)
    problems = [] if (mine.scheme, mine.netloc) == (its.scheme, its.netloc) else [f"{where}: {address} is not on {gateway}"]
    if address.endswith("/") or not its.path.endswith("/v1"):
        problems.append(f"{where}: {address} does not end in /v1")
    return problems


def reference(document, name, models):
    value = document.get(name)
    if not isinstance(value, str):
        return [f"{name}: not set; another provider may be chosen"]
    return [] if value in models else [f"{name}: {value} is no model of these providers"]


def first(document, gateway, key=None):
    """Problems of a document of version 1 (version 2 takes it too) that is to send everything through this gateway."""
    problems = unknown("top", document, TOP)
    models = set()
    providers = document.get("provider", {})
    for name, provider in providers.items():
        where = f"provider.{name}"
        problems += unknown(where, provider, PROVIDER)
        options = provider.get("options", {})
        problems += goes_to(f"{where}.options.baseURL", options.get("baseURL"), gateway)
        if key is not None and options.get("apiKey") != key:
            problems.append(f"{where}.options.apiKey: not the key")
        if not all(isinstance(value, str) for value in options.get("headers", {}).values()):
            problems.append(f"{where}.options.headers: a value that is no text")
        if provider.get("models") and provider.get("npm") not in PACKAGES:
            problems.append(f"{where}.npm: {provider.get('npm')}")
        for model, entry in provider.get("models", {}).items():
            models.add(f"{name}/{model}")
            problems += first_model(f"{where}.models.{model}", entry)
    for name in ("enabled_providers", "disabled_providers"):
        problems += texts(name, document.get(name, []))
    enabled, disabled = document.get("enabled_providers"), document.get("disabled_providers", [])
    if enabled is None:
        problems.append("enabled_providers: not set, so any provider with a key in the environment is on")
    for name in enabled or []:
        if name not in providers:
            problems.append(f"enabled_providers: {name} is not sent through the gateway")
        if name in disabled:
            problems.append(f"disabled_providers: {name} is enabled too")
    for name in ("model", "small_model"):
        problems += reference(document, name, {item for item in models if item.split("/")[0] in (enabled or providers)})
    return problems


def second(document, gateway):
    """Problems of a document in version 2's own form."""
    problems, models = [], set()
    for name, provider in document.get("providers", {}).items():
        where = f"providers.{name}"
        problems += unknown(where, provider, SECOND_PROVIDER)
        problems += goes_to(f"{where}.settings.baseURL", provider.get("settings", {}).get("baseURL"), gateway)
        problems += texts(f"{where}.env", provider.get("env", []))
        if not isinstance(provider.get("package"), str):
            problems.append(f"{where}.package: missing")
        for model, entry in provider.get("models", {}).items():
            models.add(f"{name}/{model}")
            place = f"{where}.models.{model}"
            problems += unknown(place, entry, SECOND_MODEL)
            problems += limits(f"{place}.limit", entry["limit"]) if "limit" in entry else [f"{place}: no limit"]
            cost = entry.get("cost", [])
            for number, tier in enumerate(cost if isinstance(cost, list) else [cost]):
                problems += price(f"{place}.cost.{number}", tier, {"tier", "input", "output", "cache"})
                problems += unknown(f"{place}.cost.{number}.cache", tier.get("cache", {}), {"read", "write"})
    problems += reference(document, "model", models)
    title = document.get("agents", {}).get("title", {}).get("model")
    if title not in models:
        problems.append("agents.title.model: titles may go to another provider")
    policies = document.get("experimental", {}).get("policies", [])
    if not any(rule == {"action": "provider.use", "resource": "*", "effect": "deny"} for rule in policies):
        problems.append("experimental.policies: other providers are allowed")
    return problems


def manifest(document, gateway):
    """Problems of `/.well-known/opencode`."""
    problems = unknown("top", document, {"auth", "config", "remote_config"})
    auth = document.get("auth")
    if not isinstance(auth, dict):
        return problems + ["auth: missing; version 2 does not add such a source"]
    problems += texts("auth.command", auth.get("command"))
    if not isinstance(auth.get("env"), str) or not re.fullmatch(r"[A-Z_]+", auth["env"]):
        problems.append("auth.env: not the name of a variable")
    if not isinstance(document.get("config"), (dict, type(None))):
        problems.append("config: not an object")
    remote = document.get("remote_config", {})
    if not str(remote.get("url", "")).startswith(f"{gateway}/"):
        problems.append("remote_config.url: not on the gateway")
    if f"{{env:{auth.get('env')}}}" not in json.dumps(remote.get("headers", {})):
        problems.append("remote_config.headers: without the key")
    return problems


def models_list(document, gateway):
    """Problems of a list in models.dev's shape."""
    problems = []
    for name, provider in document.items():
        problems += unknown(name, provider, {"id", "name", "env", "npm", "api", "doc", "models"})
        problems += goes_to(f"{name}.api", provider.get("api"), gateway)
        for model, entry in provider["models"].items():
            where = f"{name}.models.{model}"
            problems += [] if entry.get("id") == model else [f"{where}.id"]
            extra = {"open_weights", "last_updated", "knowledge", "structured_output"}
            problems += first_model(where, {key: value for key, value in entry.items() if key not in extra})
    return problems
