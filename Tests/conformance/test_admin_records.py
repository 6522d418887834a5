"""What administrators change is in the journal, with what was and what is; what the journal cannot take is not changed."""

import json

import pytest

import weirkit
from gateway import gateway_with

BUDGET = """
budgets:
  - {name: whole, usd: "1", window: none, mode: alert}
"""


@pytest.fixture
def gateway():
    with gateway_with(extra=BUDGET) as made:
        yield made


def records(gateway, kind):
    return [record for record in map(json.loads, gateway.weir.cli("journal", "inspect").stdout.splitlines()) if record["kind"] == kind]


def waiting(gateway, kind, count):
    """The journal's readers see a record a few milliseconds after it is made."""
    return weirkit.wait_until(lambda: (found := records(gateway, kind)) and len(found) >= count and found, what=f"{count} {kind}")


ROW = {"provider": "openai", "model": "m", "meter": "input", "price": 3_000_000_000, "source": "mine"}


def test_prices_are_journaled_with_what_went_and_what_came(gateway):
    assert gateway.admin("POST", "/prices", {"source": "mine", "rows": [ROW]})[0] == 200
    assert gateway.admin("POST", "/prices", {"source": "mine", "rows": [ROW | {"price": 4_000_000_000}]})[0] == 200
    # The same again changes nothing.
    assert gateway.admin("POST", "/prices", {"source": "mine", "rows": [ROW | {"price": 4_000_000_000}]})[0] == 200
    first, second = waiting(gateway, "policy.changed", 2)
    assert (first["policy"], first["before"], json.loads(first["after"][0])["price"]) == ("prices of mine", [], 3_000_000_000)
    assert [json.loads(second[side][0])["price"] for side in ("before", "after")] == [3_000_000_000, 4_000_000_000]
    assert first["after_sha256"] == second["before_sha256"]


def test_a_reload_is_journaled_and_shows_no_secret(gateway):
    path = gateway.weir.config_path
    text = path.read_text()
    path.write_text(text.replace('usd: "1"', 'usd: "2"') + "prices:\n  - {provider: simulated, model: m, input: 7}\n")
    assert gateway.admin("POST", "/config/reload", {})[0] == 200
    [record] = waiting(gateway, "policy.changed", 1)
    assert record["policy"] == "configuration"
    assert any('limit=1000000000' in line for line in record["before"]) and any('limit=2000000000' in line for line in record["after"])
    assert any(line.startswith("price ") and 'price=7000000000' in line for line in record["after"])
    assert "configuration_sha256" in records(gateway, "node.started")[0]


def test_every_setting_of_a_provider_is_journaled_and_what_needs_a_start_is_not(gateway):
    path = gateway.weir.config_path
    text = path.read_text()
    key = gateway.read("/keys")["data"][0]["key_id"]
    path.write_text(text.replace("    kind: simulated\n", "    kind: simulated\n    hang_up: drain\n    aliases: {gpt: small}\n", 1)
                    + "event_loops: 1\n")
    for _ in range(2):
        assert gateway.admin("POST", "/config/reload", {})[0] == 200
    assert gateway.admin("POST", f"/keys/{key}/rotate", {"overlap_seconds": 60})[0] == 200
    waiting(gateway, "entity.changed", 2)
    [record] = records(gateway, "policy.changed")
    assert len(record["after"]) == 1 and "gpt=small" in record["after"][0].replace("key=gpt, value=small", "gpt=small"), record
    assert "drain" in record["after"][0] and gateway.key not in json.dumps(record)


def test_a_budget_that_is_made_while_a_turn_ends_counts_it():
    with gateway_with(extra="journal: {sync_milliseconds: 1000}\n") as gateway:
        client = gateway.openai(max_retries=0)
        for number in range(3):
            client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": "hello"}], max_tokens=20)
            rule = {"id": f"b{number}", "limit": 1000, "unit": "requests", "window": "day"}
            assert gateway.admin("POST", "/limits", rule)[0] == 201
            counters = weirkit.wait_until(lambda n=number: gateway.read(f"/limits/b{n}")["counters"], what="the counter")
            assert counters[0]["used"] == number + 1, counters


def test_what_does_not_fit_into_a_record_is_not_changed(gateway):
    status, document = gateway.admin("POST", "/budgets/whole/grant", {"group": [], "amount": 7, "by": "root", "reason": "r" * 70_000})
    assert (status, document["error"]["code"]) == (400, "reason_too_long")
    assert gateway.read("/limit-grants")["data"] == []
    key = gateway.read("/keys")["data"][0]["key_id"]
    before = gateway.read(f"/keys/{key}")
    status, document = gateway.admin("PATCH", f"/keys/{key}", {"models": ["m" * 100 + str(number) for number in range(1000)] + ["*"]})
    assert (status, document["error"]["code"]) == (400, "policy_too_large")
    assert gateway.read(f"/keys/{key}")["models"] == before["models"]


def test_every_change_has_its_record(gateway):
    gateway.weir.cli("team", "create", "ops")
    gateway.weir.cli("developer", "create", "lee", "--team", "ops")
    gateway.weir.cli("developer", "disable", "lee")
    found = waiting(gateway, "entity.changed", 3)
    said = [(record["entity"], (record.get("after") or {}).get("name"), "disabled" in record["after"]) for record in found]
    assert ("team", "ops", False) in said and ("developer", "lee", False) in said and ("developer", "lee", True) in said, said
