"""Usage equals the invoice: generated usages over every priced model, priced by Weir and by an independent oracle, agree to
the nano-dollar, or a table says why they do not."""

import concurrent.futures
import json
import random
import subprocess
from decimal import ROUND_CEILING, Decimal

import pytest

import weirkit
from gateway import gateway_with
from oracle import CORRECTIONS, PROVIDERS, Case, corrections, cost_nano_usd

THRESHOLDS = {"openai": 272_000, "anthropic": 100_000, "google": 200_000, "xai": 199_999, "minimax": 512_000, "bedrock": 272_000,
              "azure": 272_000}
TIMES = ["2026-07-15T12:00:00Z", "2026-08-20T23:59:59Z", "2026-08-21T00:00:00Z", "2026-10-06T23:59:59Z", "2026-10-24T03:30:00Z",
         "2026-11-24T02:00:00Z", "2026-11-24T15:00:00Z", "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"]
NOW = "2026-11-24T15:00:00Z"
FAST = ("claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-fable-5-2")


@pytest.fixture(scope="module")
def models():
    """Every model of the catalogue, as a gateway lists it: provider and id."""
    providers = "".join(f"""  - name: {name}
    kind: openai-compatible
    base_url: http://127.0.0.1:9
    allow_private_addresses: true
    price_provider: {name}
    models: ["*"]
""" for name in PROVIDERS)
    with gateway_with(provider_settings="    models: [nothing]\n", providers=providers) as gateway:
        listed = gateway.openai().models.list()
        return [(model.owned_by, model.id) for model in listed if model.owned_by != "simulated"]


def tiers(provider, model):
    """The tiers that the model is listed with, as (service tier, speed, geography)."""
    if provider == "openai":
        names = ["flex", "batch", "priority", "fast"]
        if model in ("gpt-5.4-nano", "gpt-5-nano"):
            names = ["flex", "batch"]
        elif model == "gpt-5.3-codex":
            names = ["priority", "fast"]
        elif model in ("gpt-4.1", "gpt-4o-mini"):
            names = ["batch", "priority", "fast"]
        elif model.startswith("text-embedding"):
            names = ["batch"]
        elif model.startswith("gpt-6"):
            names += ["ultrafast"]
        return [(name, None, None) for name in names]
    if provider == "anthropic":
        found = [("batch", None, None), (None, None, "us"), ("batch", None, "us")]
        return found + ([(None, "fast", None), (None, "fast", "us")] if model in FAST else [])
    return [(name, None, None) for name in ("flex", "batch", "priority")] if provider == "google" else []


def usage(provider, model, total, chance):
    """A usage whose classes the model can have, with this much input in all."""
    if model.startswith("text-embedding"):
        return {"input": total}
    shares = {"input": chance.random(), "cache_read": chance.random()}
    if "cerebras" in provider:
        del shares["cache_read"]
    if provider == "openai":
        shares.update(cache_write_30m=chance.random(), cache_write_12h=chance.random() * chance.randrange(2))
        if not model.startswith(("gpt-6", "gpt-5.6")):
            del shares["cache_write_12h"]
    elif provider in ("anthropic", "moonshot") or "claude" in model:
        shares.update(cache_write_5m=chance.random(), cache_write_1h=chance.random())
    elif provider in ("deepseek", "zai"):
        shares.update(cache_write_5m=chance.random() * chance.randrange(2))
    elif "gpt-6" in model:
        shares.update(cache_write_30m=chance.random())
    whole = sum(shares.values())
    counts = {name: int(total * share / whole) for name, share in shares.items()}
    counts["input"] += total - sum(counts.values())
    counts["output"] = chance.choice([0, 1, 777, chance.randrange(200_000)])
    if model == "gemini-2.5-flash":
        counts["audio_input"] = chance.randrange(counts["input"] + 1)
    if provider in ("openai", "anthropic", "google") and chance.random() < 0.5:
        counts["web_searches"] = chance.randrange(1, 20)
    return {name: count for name, count in counts.items() if count}


def generated(models):
    """The cases: each model small and around its threshold, at several times, and in each of its tiers."""
    chance = random.Random("weir-invoice-1")
    cases = []
    for provider, model in models:
        edge = THRESHOLDS.get(provider, 128_000)
        totals = [chance.randrange(1, edge), edge, edge + 1, chance.randrange(edge + 1, 1_500_000)]
        cases += [Case(provider, model, NOW, usage(provider, model, total, chance)) for total in totals]
        for time in chance.sample(TIMES, 2):
            cases.append(Case(provider, model, time, usage(provider, model, chance.choice(totals), chance)))
        for tier, speed, geo in tiers(provider, model):
            cases.append(Case(
                provider, model, NOW, usage(provider, model, chance.choice(totals), chance), tier, speed, geo))
    cases += [Case("openai", "gpt-5.6-sol", TIMES[0], {"input": 1000 + n, "cache_read": n, "output": 7}, tier)
              for n, tier in enumerate(("flex", "batch", "priority"))]
    cases += [Case("deepseek", model, time, {"input": 100_003, "cache_read": 7, "output": 11})
              for model in ("deepseek-v4-pro", "deepseek-flash") for time in TIMES]
    cases += [Case("anthropic", "claude-sonnet-5-5", TIMES[3], {"input": 5, "cache_read": 12_345, "output": 3}, tier)
              for tier in (None, "batch")]
    cases += [Case("mistral", "mistral-large-4", "2026-10-24T03:30:00Z", {"input": 11, "cache_read": 12_345, "output": 3}),
              Case("openai", "gpt-5.4", NOW, {"input": 300_000, "output": 3}, "priority")]
    return cases


def explained(case):
    """Weir's price of a case, by the command line."""
    document = {**case.usage, "service_tier": case.service_tier, "speed": case.speed, "inference_geo": case.geo}
    done = subprocess.run(
        [weirkit.binary(), "price", "explain", "--provider", case.provider, "--model", case.model, "--at", case.time,
         "--usage", "-", "--format", "json", "--data", "/nonexistent"],
        input=json.dumps(document), capture_output=True, text=True, env=weirkit.clean_environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def priced(models):
    cases = generated(models)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(zip(cases, pool.map(explained, cases)))


def test_every_usage_has_a_price_and_its_lines_add_up(priced):
    for case, document in priced:
        assert document["unpriced"] == [], case
        exact = sum(Decimal(line["amount_nano"]) for line in document["lines"])
        assert document["total_nano_usd"] == int(exact.to_integral_value(rounding=ROUND_CEILING)), case
        assert document["total_input_tokens"] == case.input_tokens, case


def test_weir_and_the_oracle_agree_to_the_nano_dollar(priced):
    wrong = [
        (case, document["total_nano_usd"], cost_nano_usd(case), [c.why for c in corrections(case)])
        for case, document in priced if document["total_nano_usd"] != cost_nano_usd(case)]
    assert not wrong, "\n".join(map(str, wrong[:20])) + f"\n{len(wrong)} of {len(priced)}"


def test_at_least_two_hundred_agree_with_no_correction_at_all(priced):
    assert len([case for case, _ in priced if not corrections(case)]) >= 200


def test_every_model_of_the_catalogue_is_covered(models, priced):
    assert {(case.provider, case.model) for case, _ in priced} == set(models) and len(models) >= 60
    assert {provider for provider, _ in models} == set(PROVIDERS)


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.why.split(";")[0].replace(" ", "-"))
def test_no_correction_is_idle(priced, correction):
    """Each is used, and without any the oracle would have said something else."""
    touched = [case for case, _ in priced if correction.applies(case)]
    assert touched
    assert any(cost_nano_usd(case) != cost_nano_usd(case, corrected=False) for case in touched)


def test_a_model_that_nobody_lists_has_no_price_rather_than_none_to_pay(priced):
    document = explained(Case("openai", "gpt-9-unheard-of", NOW, {"input": 10, "output": 1}))
    assert document["total_nano_usd"] is None and document["unpriced"] == ["input", "output"]
