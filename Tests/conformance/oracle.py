"""An invoice by somebody else's arithmetic: the genai-prices package, and the table of where it and the lists part.

Each correction says why it is there; tests fail when one is not needed or does nothing."""

import dataclasses
import datetime
from decimal import ROUND_CEILING, Decimal

from genai_prices import Usage, data_snapshot
from genai_prices.types import ModelPrice, Tier, TieredPrices

PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "google": "google", "bedrock": "aws", "azure": "azure",
    "deepseek": "deepseek", "moonshot": "moonshotai", "zai": "zai", "minimax": "minimax", "qwen": None, "xai": "x-ai",
    "mistral": "mistral", "groq": "groq", "cerebras": "cerebras",
}


@dataclasses.dataclass(frozen=True)
class Case:
    provider: str
    model: str
    time: str
    usage: dict
    service_tier: str = None
    speed: str = None
    geo: str = None

    def __hash__(self):
        return hash(repr(self))

    def __getitem__(self, name):
        return self.usage.get(name, 0)

    @property
    def date(self):
        return self.time[:10]

    @property
    def input_tokens(self):
        return sum(count for name, count in self.usage.items() if name in ("input", "tool_prompt") or name.startswith("cache_"))


@dataclasses.dataclass(frozen=True)
class Correction:
    """Where a case is priced otherwise than genai-prices would: some prices replaced, or all multiplied."""

    why: str
    applies: object
    prices: object = None
    times: Decimal = None

    def apply(self, case, prices):
        if self.times:
            return scaled(prices, self.times)
        return ModelPrice(**{**vars(prices), **self.prices(case, prices)})


def usd(**prices):
    return lambda case, old: {name: Decimal(price) for name, price in prices.items()}


def price_list(input, read, output, **more):
    return usd(input_mtok=input, cache_read_mtok=read, output_mtok=output, **more)


def scaled(prices, times):
    """All token prices times a ratio; calls cost what they cost."""
    def one(name, price):
        if not name.endswith("_mtok"):
            return price
        if isinstance(price, TieredPrices):
            return TieredPrices(base=price.base * times, tiers=[Tier(start=t.start, price=t.price * times) for t in price.tiers])
        return price * times
    return ModelPrice(**{name: one(name, price) for name, price in vars(prices).items()})


def openai_writes(case, prices):
    """12 hours cost 2.5 times the input of the same tier."""
    return {"cache_write_1h_mtok": scaled(ModelPrice(input_mtok=prices.input_mtok), Decimal("2.5")).input_mtok}


def tier_of_the_day(case, prices):
    """A tier as a ratio of the standard price at its time."""
    ratio = Decimal("0.5") if case.service_tier in ("flex", "batch") else Decimal(2)
    return vars(scaled(base_prices(dataclasses.replace(case, service_tier=None)), ratio))


def long_priority(case, prices):
    """Input and cache twice, output one and a half times, over 272,000."""
    out = {}
    for name, price in vars(prices).items():
        if name.endswith("_mtok") and not isinstance(price, TieredPrices):
            ratio = Decimal("1.5") if name == "output_mtok" else Decimal(2)
            out[name] = TieredPrices(base=price, tiers=[Tier(start=272_000, price=price * ratio)])
    return out


def earlier_sonnet(case, prices):
    """The cached price of before; the batch tier of genai-prices begins only later."""
    standard = {**vars(base_prices(dataclasses.replace(case, service_tier=None))), "cache_read_mtok": Decimal("0.2")}
    return vars(scaled(ModelPrice(**standard), Decimal("0.5"))) if case.service_tier == "batch" else standard


CORRECTIONS = [
    # Models that genai-prices does not list. The figures are LiteLLM's, as of 2026-11.
    Correction(
        "claude-mythos-5-1: not in genai-prices; LiteLLM's list",
        lambda c: c.model == "claude-mythos-5-1" and not c.service_tier,
        price_list("10", "0.25", "50", cache_write_mtok="12.5", cache_write_1h_mtok="20", web_searches_kcount="10")),
    Correction(
        "claude-mythos-5-1: batch is half",
        lambda c: c.model == "claude-mythos-5-1" and c.service_tier == "batch",
        price_list("5", "0.125", "25", cache_write_mtok="6.25", cache_write_1h_mtok="10", web_searches_kcount="10")),
    Correction(
        "amazon.nova-2-lite: not in genai-prices; LiteLLM's list",
        lambda c: c.model == "amazon.nova-2-lite", price_list("0.3", "0.075", "2.5")),
    Correction(
        "qwen3.8-max: no such provider in genai-prices; LiteLLM's list",
        lambda c: c.provider == "qwen", price_list("2", "0.25", "6")),
    Correction(
        "devstral-latest: not in genai-prices; LiteLLM's list",
        lambda c: c.model == "devstral-latest", price_list("0.4", "0.04", "2")),
    Correction(
        "groq gpt-oss-120b: genai-prices knows it as openai/gpt-oss-120b only",
        lambda c: (c.provider, c.model) == ("groq", "gpt-oss-120b"), price_list("0.15", "0.075", "0.6")),
    # Figures on which the lists differ.
    Correction(
        "codestral-latest: genai-prices has no cached price; LiteLLM's list",
        lambda c: c.model == "codestral-latest" and c["cache_read"], usd(cache_read_mtok="0.03")),
    Correction(
        "mistral-large-4: genai-prices has 0.68/0.07/2.09 before 2026-10-20 and 0.7/0.07/2.1 from 2026-10-29; Weir 1.36/0.14/4.18",
        lambda c: c.model == "mistral-large-4" and not "2026-10-20" <= c.date < "2026-10-29",
        price_list("1.36", "0.14", "4.18")),
    Correction(
        "claude-sonnet-4-5: the surcharge over 200,000 tokens is gone from the list; genai-prices keeps it",
        lambda c: c.model == "claude-sonnet-4-5" and c.input_tokens > 200_000,
        lambda c, old: {name: price.base for name, price in vars(old).items() if isinstance(price, TieredPrices)}),
    Correction(
        "claude-sonnet-5-5: cached input cost 0.2 until 2026-10-07 (model-prices' history); genai-prices has no dates for it",
        lambda c: c.model == "claude-sonnet-5-5" and c.date < "2026-10-07" and c["cache_read"], earlier_sonnet),
    Correction(
        "deepseek-v4-pro: one price list for all time before 2026-08-17 too; genai-prices knows an older one",
        lambda c: c.model == "deepseek-v4-pro" and c.date < "2026-08-17",
        lambda c, old: vars(base_prices(dataclasses.replace(c, time="2026-11-24" + c.time[10:])))),
    Correction(
        "deepseek-flash has no peak at weekends; genai-prices knows no weekdays",
        lambda c: c.model == "deepseek-flash" and is_weekend(c.time), price_list("0.15", "0.003", "0.6")),
    Correction(
        "DeepSeek and GLM write to the cache for nothing (LiteLLM's list); genai-prices takes a written token for input",
        lambda c: c.provider in ("deepseek", "zai") and c["cache_write_5m"], usd(cache_write_mtok="0")),
    Correction(
        "OpenAI's web search costs $25 per thousand on gpt-4.x; genai-prices has $10 for all",
        lambda c: c.provider == "openai" and c.model.startswith("gpt-4") and c["web_searches"], usd(web_searches_kcount="25")),
    Correction(
        "OpenAI's web search costs $10 per thousand on gpt-5.3-codex too; genai-prices has none",
        lambda c: c.model == "gpt-5.3-codex" and c["web_searches"], usd(web_searches_kcount="10")),
    # Classes and tiers that genai-prices cannot say. The ratios are the providers' rules.
    Correction(
        "gpt-5.6: genai-prices' tiers do not follow its dates; they are ratios of the price of the day",
        lambda c: c.model.startswith("gpt-5.6") and c.service_tier and c.date < "2026-07-30", tier_of_the_day),
    Correction(
        "gpt-5.5, gpt-5.4: nobody prints priority over 272,000 tokens; both rules together",
        lambda c: c.model in ("gpt-5.5", "gpt-5.4") and c.service_tier in ("priority", "fast") and c.input_tokens > 272_000,
        long_priority),
    Correction(
        "gpt-6: ultrafast costs 6 times; genai-prices has no such tier",
        lambda c: c.service_tier == "ultrafast", times=Decimal(6)),
    Correction(
        "embeddings in a batch cost half; genai-prices has no such tier",
        lambda c: c.model.startswith("text-embedding") and c.service_tier == "batch", times=Decimal("0.5")),
    Correction(
        "Gemini's flex costs half; genai-prices has no such tier",
        lambda c: c.provider == "google" and c.service_tier == "flex", times=Decimal("0.5")),
    Correction(
        "Gemini's priority costs 1.8 times; genai-prices has no such tier",
        lambda c: c.provider == "google" and c.service_tier == "priority", times=Decimal("1.8")),
    Correction(
        "gemini-3.5-flash in a batch costs half; genai-prices has no such tier",
        lambda c: c.model == "gemini-3.5-flash" and c.service_tier == "batch", times=Decimal("0.5")),
    Correction(
        "OpenAI's cache for 12 hours costs 2.5 times the input; genai-prices has no such class",
        lambda c: c.provider == "openai" and c["cache_write_12h"], openai_writes),
    Correction(
        "Anthropic's inference in the US costs 1.1 times; genai-prices cannot say where",
        lambda c: c.geo == "us", times=Decimal("1.1")),
]


def moment(time):
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))


def is_weekend(time):
    return moment(time).weekday() >= 5


def base_prices(case):
    """genai-prices' own prices; none when it does not know the model."""
    provider = PROVIDERS[case.provider]
    try:
        _, model = data_snapshot.get_snapshot().find_provider_model(case.model, None, provider or "no-such-provider", None)
    except LookupError:
        return ModelPrice()
    context = {}
    if case.service_tier == "batch":
        context["processing"] = "batch"
    elif case.service_tier:
        context["service_tier"] = case.service_tier
    if case.speed:
        context["speed"] = case.speed
    return model.get_prices(moment(case.time), context)


def corrections(case):
    return [correction for correction in CORRECTIONS if correction.applies(case)]


def cost_nano_usd(case, corrected=True):
    """What the case costs by the oracle, rounded up once."""
    prices = base_prices(case)
    for correction in corrections(case) if corrected else ():
        prices = correction.apply(case, prices)
    hour = case["cache_write_1h"] + case["cache_write_12h"]
    written = hour + case["cache_write_5m"] + case["cache_write_30m"]
    counts = {
        "input_tokens": case.input_tokens, "output_tokens": case["output"], "cache_read_tokens": case["cache_read"],
        "cache_write_tokens": written, "cache_write_1h_tokens": hour, "input_audio_tokens": case["audio_input"],
        "web_searches": case["web_searches"],
    }
    usage = Usage(**{name: count for name, count in counts.items() if count}, cache_audio_read_tokens=0)
    total = prices.calc_price(usage)["total_price"]
    return int((total * 1_000_000_000).to_integral_value(rounding=ROUND_CEILING))
