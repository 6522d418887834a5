"""Prices that nobody knows: an alarm until one is imported, then the turns are priced again. Files are shaped like the real ones."""

import json

import pytest

from clients import CHAT, call
from gateway import gateway_with
from raw import post, request_body

LITELLM = {
    "sample_spec": {"litellm_provider": "one of https://docs.litellm.ai/docs/providers", "mode": "chat"},
    "lab/lab-large": {
        "litellm_provider": "lab", "mode": "chat", "max_input_tokens": 200000, "input_cost_per_token": 2e-06,
        "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 2e-07, "supports_vision": True},
    "lab/lab-picture": {"litellm_provider": "lab", "mode": "image_generation", "input_cost_per_image": 0.04},
}
MODELS_DEV = {"lab": {"id": "lab", "name": "Lab", "env": ["LAB_KEY"], "npm": "@ai-sdk/openai-compatible", "models": {
    "lab-small": {"id": "lab-small", "name": "Small", "limit": {"context": 128000, "output": 8192},
                  "cost": {"input": 0.5, "output": 1.5, "cache_read": 0.05}}}}}
GENAI_PRICES = [{"id": "lab", "name": "Lab", "api_pattern": "lab", "models": [
    {"id": "lab-tiny", "match": {"equals": "lab-tiny"}, "prices": [
        {"prices": {"input_mtok": 3, "output_mtok": 9}},
        {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 0.1, "output_mtok": 0.3}}]}]}]


@pytest.fixture(scope="module")
def gateway():
    lab = """  - name: lab
    kind: openai-compatible
    base_url: {simulation}/v1
    allow_private_addresses: true
    models: [lab-*]
"""
    with gateway_with(providers=lab) as made:
        yield made


def turn_of(gateway, model):
    headers = {"x-sim-input-tokens": "1003", "x-sim-output-tokens": "77"}
    call(gateway, CHAT, model=model, headers=headers)
    return gateway.last_turn()


def import_prices(gateway, source, document, *more):
    return gateway.weir.cli("price", "import", source, "-", *more, stdin=json.dumps(document))


def test_an_unknown_price_is_an_alarm_until_it_is_known(gateway):
    turn = turn_of(gateway, "lab-large")
    assert "unpriced" in turn["flags"] and turn["cost_nano_usd"] == 0 and turn.get("price_version") is None

    report = gateway.weir.cli("report", "spend", "--by", "model")
    assert "! 1 turns have no price and count as nothing: weir price unpriced" in report.stdout
    assert gateway.weir.json("report", "spend")["total"]["unpriced_turns"] == 1
    assert gateway.weir.json("price", "unpriced")["data"] == [{"deployment": "lab/lab-large", "turns": 1}]
    assert "weir price rerate" in gateway.weir.cli("price", "unpriced").stdout
    doctor = gateway.weir.cli("doctor", "--config", gateway.weir.config_path, "--data", gateway.weir.data, check=False)
    assert doctor.returncode == 1 and "1 turns have no price" in doctor.stdout

    assert gateway.weir.json("price", "rerate")["data"] == []
    done = import_prices(gateway, "litellm", LITELLM)
    assert done.stderr.startswith("3 prices are in force; 1 entries could not be taken.") and "lab/lab-picture" in done.stderr
    assert gateway.weir.json("price", "rerate")["data"] == [{"deployment": "lab/lab-large", "turns": 1}]

    priced = gateway.read(f"/turns/{turn['request_id']}")
    assert priced["cost_nano_usd"] == 1003 * 2000 + 77 * 10_000 and "unpriced" not in priced["flags"]
    total = gateway.weir.json("report", "spend")["total"]
    assert (total["unpriced_turns"], total["cost_nano_usd"]) == (0, priced["cost_nano_usd"])
    assert gateway.read("/sessions")["sessions"][0]["cost_nano_usd"] == priced["cost_nano_usd"]
    assert gateway.weir.json("price", "unpriced")["data"] == []


def test_an_imported_price_is_in_force_at_once(gateway):
    import_prices(gateway, "models.dev", MODELS_DEV)
    turn = turn_of(gateway, "lab-small")
    assert turn["cost_nano_usd"] == 1003 * 500 + 77 * 1500 and turn["flags"] == ["session_inferred"]


def test_dates_of_a_file_are_kept(gateway):
    import_prices(gateway, "genai-prices", GENAI_PRICES)
    assert turn_of(gateway, "lab-tiny")["cost_nano_usd"] == 1003 * 100 + 77 * 300
    earlier = gateway.weir.json(
        "price", "explain", "--provider", "lab", "--model", "lab-tiny", "--at", "2025-12-31T23:59:59Z", "--usage", "-",
        stdin='{"input": 10, "output": 1}')
    assert earlier["total_nano_usd"] == 10 * 3000 + 9000
    assert {line["row"]["source"] for line in earlier["lines"]} == {"genai-prices"}


def test_an_import_replaces_what_came_from_the_same_source_and_nothing_else(gateway):
    import_prices(gateway, "litellm", {"lab/lab-other": LITELLM["lab/lab-large"]})
    assert "unpriced" in turn_of(gateway, "lab-large")["flags"]
    assert "unpriced" not in turn_of(gateway, "lab-small")["flags"]


def test_a_file_that_is_something_else_is_refused_and_changes_nothing(gateway):
    for source, text in (("litellm", "[]"), ("models.dev", "not json"), ("genai-prices", json.dumps(LITELLM))):
        done = gateway.weir.cli("price", "import", source, "-", stdin=text, check=False)
        assert done.returncode == 1 and "bad_price_file" in done.stderr
    assert "unpriced" not in turn_of(gateway, "lab-small")["flags"]
    assert gateway.weir.cli("price", "import", "litellm", "/no/such/file", check=False).returncode == 1


def test_an_imported_price_goes_before_the_shipped_one(gateway):
    arguments = ("price", "explain", "--provider", "mistral", "--model", "mistral-large-4", "--usage", "-")
    shipped = gateway.weir.json(*arguments, stdin='{"input": 1000}')
    assert {line["row"]["source"] for line in shipped["lines"]} == {"list"}
    import_prices(gateway, "litellm", {"mistral-large-4": {
        "litellm_provider": "mistral", "mode": "chat", "input_cost_per_token": 7e-07, "output_cost_per_token": 2.1e-06}})
    ours = gateway.weir.json(*arguments, stdin='{"input": 1000}')
    assert ours["total_nano_usd"] == 700_000 != shipped["total_nano_usd"]
    assert {line["row"]["source"] for line in ours["lines"]} == {"litellm"}


def test_a_configured_price_goes_before_all_others(gateway, tmp_path):
    import_prices(gateway, "models.dev", MODELS_DEV)
    path = tmp_path / "weir.yaml"
    path.write_text("prices:\n  - {provider: lab, model: lab-*, input: '0.000001', output: 7}\n"
                    "  - {provider: lab, model: lab-small, input: '0.000001', context_over: 1000}\n")
    arguments = ("price", "explain", "--provider", "lab", "--model", "lab-small", "--usage", "-", "--config", path)
    # A millionth of a dollar for a million tokens: a part of a nano-dollar is one.
    assert gateway.weir.json(*arguments, stdin='{"input": 1001}')["total_nano_usd"] == 2
    assert gateway.weir.json(*arguments, stdin='{"input": 1000}')["total_nano_usd"] == 500_000
    text = gateway.weir.cli(*arguments, stdin='{"input": 1000, "output": 3}').stdout
    assert "TOTAL" in text and "models.dev" in text


@pytest.mark.parametrize("usage,words", [
    ('{"inptu": 1}', "inptu"), ('{"input": -1}', "whole number"), ('{"input": 1.5}', "whole number"), ("[]", "no JSON object"),
    ('{"input": 1, "input": 2}', "twice"), ('{"output": 1, "reasoning": 2}', "part of")])
def test_a_usage_is_read_strictly(gateway, usage, words):
    done = gateway.weir.cli(
        "price", "explain", "--provider", "openai", "--model", "o3", "--usage", "-", stdin=usage, check=False)
    assert (done.returncode, done.stdout) == (1, "") and words in done.stderr


def test_a_turn_of_a_stream_cut_off_is_priced_again_too(gateway):
    """An estimated usage is a usage: when its price becomes known, it costs."""
    answer = post(gateway.weir.url, "chat", gateway.key, body={**request_body("chat"), "model": "lab-late"}, x_sim_fault="cut:8")
    assert not answer.is_whole
    turn = gateway.last_turn()
    assert {"unpriced", "estimated", "truncated"} <= set(turn["flags"])
    import_prices(gateway, "litellm", {"lab/lab-late": LITELLM["lab/lab-large"]})
    gateway.weir.cli("price", "rerate")
    assert gateway.read(f"/turns/{turn['request_id']}")["cost_nano_usd"] > 0
