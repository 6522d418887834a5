"""The same exchange, streamed and not, has the same usage and the same cost, in every dialect and on both sides of a price's
context threshold."""

import json

import pytest

MODELS = {
    "chat": ("gpt-5.4", "gpt-6.1-sol", "gpt-4o-mini"), "completions": ("gpt-4o-mini",), "responses": ("gpt-5.4", "gpt-6.1-sol"),
    "messages": ("claude-opus-5-5", "claude-haiku-5-5"),
}
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SAID = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]


def exchange(gateway, dialect, model, tokens, streams):
    """One exchange with a long history, a tool and a thought; its turn."""
    headers = {"x-sim-input-tokens": str(tokens), "x-sim-output-tokens": "777", "x-sim-parallel-tools": "2"}
    client = gateway.anthropic(headers=headers) if dialect == "messages" else gateway.openai(headers=headers)
    options = {"model": model, "stream": streams}
    if dialect == "messages":
        made = client.messages.create(
            max_tokens=4000, messages=SAID, tools=[{"name": "get_weather", "input_schema": TOOL}],
            thinking={"type": "enabled", "budget_tokens": 1024},
            system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}], **options)
    elif dialect == "responses":
        made = client.responses.create(
            input=SAID, tools=[{"type": "function", "name": "get_weather", "parameters": TOOL, "strict": False}],
            reasoning={"effort": "high"}, **options)
    elif dialect == "completions":
        made = client.completions.create(prompt="a", **options)
    else:
        made = client.chat.completions.create(
            messages=SAID, tools=[{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}],
            reasoning_effort="high", **options)
    if streams:
        list(made)
    return gateway.last_turn()


@pytest.mark.parametrize("tokens", [999, 100_000, 100_001, 272_000, 272_001, 1_234_567])
@pytest.mark.parametrize("dialect,model", [(dialect, model) for dialect in MODELS for model in MODELS[dialect]])
def test_same_usage_same_cost(gateway, dialect, model, tokens):
    plain, streamed = (exchange(gateway, dialect, model, tokens, streams) for streams in (False, True))
    assert (plain["stream"], streamed["stream"]) == (False, True)
    for field in ("usage", "cost_nano_usd", "qualifiers", "tool_calls", "usage_source", "price_version", "model_served"):
        assert plain[field] == streamed[field], field
    if dialect != "completions":
        assert plain["finish_reason"] == streamed["finish_reason"]
    usage = plain["usage"]
    assert plain["flags"] == streamed["flags"] == ["session_inferred"]
    assert usage["output"] == 777 and plain["cost_nano_usd"] > 0
    whole = sum(usage[name] for name in usage if name == "input" or name.startswith("cache_"))
    assert whole == tokens


@pytest.mark.parametrize("model,tokens", [("gpt-6.1-sol", 272_001), ("claude-haiku-5-5", 100_001)])
def test_a_turns_usage_is_priced_again_as_it_is_shown(gateway, model, tokens):
    turn = exchange(gateway, "messages" if model.startswith("claude") else "chat", model, tokens, True)
    provider = "anthropic" if model.startswith("claude") else "openai"
    explained = gateway.weir.json(
        "price", "explain", "--provider", provider, "--model", model, "--at", turn["time"], "--usage", "-",
        stdin=json.dumps(turn["usage"]))
    assert explained["total_nano_usd"] == turn["cost_nano_usd"]
