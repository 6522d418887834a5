"""List prices as the providers print them, and what a usage costs by them: the arithmetic of an invoice, written without a
look at Weir's. USD per million tokens."""

from decimal import ROUND_CEILING, Decimal

# model: input, cached input, cache write (5 or 30 minutes), cache write (1 or 12 hours), output
LISTED = {
    "gpt-5.4": ("2.5", "0.25", "0", "0", "15"),
    "gpt-5.4-mini": ("0.75", "0.075", "0", "0", "4.5"),
    "gpt-5-mini": ("0.25", "0.025", "0", "0", "2"),
    "gpt-4o-mini": ("0.15", "0.075", "0", "0", "0.6"),
    "gpt-6.1-sol": ("2", "0.1", "2.5", "5", "10"),
    "text-embedding-3-small": ("0.02", None, None, None, "0"),
    "claude-opus-5-5": ("4", "0.2", "5", "8", "20"),
    "claude-haiku-4-5": ("1", "0.1", "1.25", "2", "5"),
}
CLASSES = (
    ("input",), ("cache_read",), ("cache_write_5m", "cache_write_30m"), ("cache_write_1h", "cache_write_12h"), ("output",))


def cost_nano_usd(model, usage):
    """The cost of one turn, rounded up once."""
    total = Decimal(0)
    for price, names in zip(LISTED[model], CLASSES):
        tokens = sum(usage.get(name, 0) for name in names)
        if tokens:
            total += Decimal(price) * 1000 * tokens
    return int(total.to_integral_value(rounding=ROUND_CEILING))


def chat_classes(usage):
    """OpenAI's usage, whose input holds its cached part, as disjoint classes."""
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    details = usage.completion_tokens_details
    return nonzero(
        input=usage.prompt_tokens - (cached or 0), cache_read=cached, output=usage.completion_tokens,
        reasoning=details.reasoning_tokens if details else 0)


def responses_classes(usage):
    """The same of the Responses API."""
    cached = usage.input_tokens_details.cached_tokens
    return nonzero(
        input=usage.input_tokens - cached, cache_read=cached, output=usage.output_tokens,
        reasoning=usage.output_tokens_details.reasoning_tokens)


def anthropic_classes(usage):
    """Anthropic's usage, whose input stands beside its cached part."""
    written = usage.cache_creation
    return nonzero(
        input=usage.input_tokens, cache_read=usage.cache_read_input_tokens,
        cache_write_5m=written.ephemeral_5m_input_tokens if written else 0,
        cache_write_1h=written.ephemeral_1h_input_tokens if written else 0, output=usage.output_tokens)


def nonzero(**counts):
    return {name: count for name, count in counts.items() if count}


def assert_turn(turn, model, usage, **fields):
    """The ledger's row holds this usage, its cost by the list, and these fields."""
    assert nonzero(**turn["usage"]) == usage
    assert turn["usage_source"] == "provider"
    assert turn["cost_nano_usd"] == cost_nano_usd(model, usage)
    assert turn["cost_nano_usd"] > 0
    expected = {
        "model_asked": model, "deployment": f"simulated/{model}", "model_served": model, "status": 200, "error": None,
        "developer": "owner", "team": "default", **fields}
    assert {name: turn.get(name) for name in expected} == expected
