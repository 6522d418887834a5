"""report: the measured figures beside the aims, as one Markdown document."""

# Ratios to nginx in the same run: (upstream, scenario) -> at most.
AIMS = {
    ("plain", "ns2k"): 1.2, ("plain", "ns60k"): 1.3, ("plain", "ns600k"): 1.3, ("plain", "s200"): 1.0, ("plain", "s200p"): 1.5,
    ("tls", "ns2k"): 1.0, ("tls", "ns60k"): 0.8, ("tls", "ns600k"): 0.8, ("tls", "s200p"): 1.0,
}
# LiteLLM's CPU over Weir's: at least.
LITELLM_AIMS = {"ns2k": 300, "ns60k": 300, "ns600k": None, "s200": 30, "s200p": 30}


def _median(samples):
    ordered = sorted(one["us"] for one in samples)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def ratio_text(samples):
    """Weir over nginx so far, for the progress line."""
    parts = []
    for upstream in ("plain", "tls"):
        weir, nginx = samples.get(f"Weir/{upstream}"), samples.get(f"nginx/{upstream}")
        if weir and nginx:
            parts.append(f"{_median(weir) / _median(nginx):.2f}")
    return "/".join(parts)


def added(measured):
    """Gateway minus direct, for each distribution."""
    result = {}
    for scenario, arms in measured.items():
        for what in ("total_us", "first_byte_us", "event_us"):
            direct, gateway = arms["direct"].get(what), arms["gateway"].get(what)
            if direct and gateway:
                result[f"{scenario}.{what}"] = {
                    share: dict(direct=direct[share], gateway=gateway[share], added=gateway[share] - direct[share])
                    for share in ("p50", "p90", "p99")}
        result[f"{scenario}.n"] = arms["gateway"]["requests"]
        result[f"{scenario}.errors"] = arms["gateway"]["errors"] + arms["direct"]["errors"]
    return result


def _table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _mark(value, aim, at_most=True):
    if aim is None:
        return ""
    met = value <= aim if at_most else value >= aim
    return f"{'≤' if at_most else '≥'} {aim:g}{'' if met else ' **missed**'}"


def _cpu(results):
    rows = []
    for scenario, pairs in results["cpu"].items():
        for upstream in ("plain", "tls"):
            weir, nginx = pairs.get(f"Weir/{upstream}"), pairs.get(f"nginx/{upstream}")
            if not weir or not nginx:
                continue
            ratio = weir["median_us"] / nginx["median_us"]
            litellm = pairs.get("LiteLLM/plain") if upstream == "plain" else None
            times = litellm["median_us"] / weir["median_us"] if litellm else None
            each = sum(one["requests"] for one in weir["samples"])
            errors = sum(one["errors"] for pair in pairs.values() for one in pair["samples"])
            rows.append([
                scenario, upstream, f"{nginx['median_us']:,.0f}", f"{weir['median_us']:,.0f}", f"{ratio:.2f}",
                _mark(ratio, AIMS.get((upstream, scenario))), f"{litellm['median_us']:,.0f}" if litellm else "",
                f"{times:,.0f}" if times else "", _mark(times, LITELLM_AIMS[scenario], at_most=False) if times else "",
                f"{each:,}", str(errors)])
    heads = [
        "scenario", "to the provider", "nginx µs", "Weir µs", "Weir/nginx", "aim", "LiteLLM µs", "LiteLLM/Weir", "aim", "N", "errors"]
    return f"""## CPU per request, median of {results['rounds']} interleaved rounds

ns2k, ns60k, ns600k: a 2, 60, 600 KB request answered by one JSON document. s200: a stream of 200 events written at once. s200p: the
same, 5 ms apart, 16 streams at a time (a burst coalesces and hides what an event costs). All threads of the process tree count:
authentication, attribution, metering, pricing, journal and ledger are on. Every answer was compared byte for byte (LiteLLM's: by
its events).

{_table(heads, rows)}

nginx {results['versions']['nginx']}, one worker; LiteLLM {results['versions']['litellm']}, one worker, no database; Weir, one event loop.
"""


def _translation(results):
    rows = []
    for scenario, pairs in results["translation"].items():
        relayed, translated = _median(pairs["Weir/plain"]), _median(pairs["translating/plain"])
        # The aim is for streams as they come: paced.
        aim = 3 if scenario == "s200p" else None
        rows.append([
            scenario, f"{relayed:,.0f}", f"{translated:,.0f}", f"{translated / relayed:.2f}", _mark(translated / relayed, aim),
            str(sum(one["errors"] for pair in pairs.values() for one in pair))])
    return f"""## CPU per translated request, µs, median of {results['rounds']} interleaved rounds

Client: chat completions; provider: Anthropic Messages. Beside it the byte relay, both plain.

{_table(['scenario', 'relayed', 'translated', 'ratio', 'aim', 'errors'], rows)}
"""


def _latency(results):
    rows = []
    names = {
        "ns2k.total_us": "2 KB request, total", "stream.first_byte_us": "stream, first byte", "stream.event_us": "stream, each event"}
    for pair, one in results["latency"].items():
        for what, name in names.items():
            if what not in one:
                continue
            p50, p99 = one[what]["p50"]["added"], one[what]["p99"]["added"]
            aims = (300, 1000) if pair.startswith("Weir") else (None, None)
            rows.append([
                pair, name, f"{p50:,.0f}", _mark(p50, aims[0]), f"{p99:,.0f}", _mark(p99, aims[1]),
                str(one[what.split(".")[0] + ".n"]), str(one[what.split(".")[0] + ".errors"])])
    return f"""## Added latency, µs

Two open loops side by side in one run, straight to the provider and through the gateway; the difference of the two distributions at
p50 and p99. Requests at 100 a second; streams of 200 events, 5 ms apart, at 8 a second.

{_table(['target', 'what', 'p50', 'aim', 'p99', 'aim', 'N', 'errors'], rows)}
"""


def _streams(results):
    rows = []
    for pair, one in results["streams"].items():
        aim = 64 if pair.startswith("Weir") else None
        rows.append([
            pair, f"{one['idle_rss_mb']:.1f}", f"{one['peak_rss_mb']:.1f}", _mark(one["peak_rss_mb"], aim), f"{one['us']:,.0f}",
            f"{one['event_us']['p50']:,.0f} / {one['event_us']['p99']:,.0f}" if one["event_us"] else "", str(one["errors"])])
    any_ = next(iter(results["streams"].values()))
    return f"""## {any_['streams']:,} slow streams at once, {any_['chunks']} events each, 100 ms apart

{_table(['target', 'RSS before, MB', 'peak RSS, MB', 'aim', 'CPU per stream, µs', 'event delay p50 / p99, µs', 'errors'], rows)}
"""


def _churn(results):
    one = results["churn"]
    grown = one["rss_after_mb"] - one["rss_before_mb"]
    return f"""## Memory after {one['connections']:,} connections

RSS {one['rss_before_mb']:.1f} MB before, {one['rss_after_mb']:.1f} MB after ({grown:+.1f} MB; aim: flat), {one['errors']} errors,
{one['seconds']:.0f} s.
"""


def markdown(results):
    where = results["machine"]
    parts = [f"""# Benchmarks

{where['date']}, {where['cpu']}, {where['cores']} cores, Linux {where['kernel']}; load average {where['load_before']} before and
{where.get('load_after', '?')} after (it includes the benchmark itself). Load generator and provider run on the same cores, so ratios
count, not absolute figures. {results.get('seconds', 0)} s in all. `make bench` prints this.
"""]
    for name, part in (("cpu", _cpu), ("translation", _translation), ("latency", _latency), ("streams", _streams), ("churn", _churn)):
        if name in results:
            parts.append(part(results))
    return "\n".join(parts)
