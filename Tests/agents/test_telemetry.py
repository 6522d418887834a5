"""The real Claude Code with its telemetry sent to Weir, in both encodings: its records join its turns, sums stay, and no text arrives."""

import json

import pytest

import ledger
import weirkit

CANARY = "canary-shop-4471"
# Everything on that lets texts out.
LOUD = {name: "1" for name in (
    "OTEL_LOG_USER_PROMPTS", "OTEL_LOG_TOOL_DETAILS", "OTEL_LOG_TOOL_CONTENT", "OTEL_LOG_RAW_API_BODIES", "OTEL_LOG_ASSISTANT_RESPONSES")}


def telemetry(address, key, protocol, **more):
    """What a developer sets."""
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1", "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {key}",
        "OTEL_LOGS_EXPORT_INTERVAL": "200", "OTEL_METRIC_EXPORT_INTERVAL": "200", **LOUD, **more}


def done(run):
    assert run.code == 0, run
    report = json.loads(run.out)
    assert not report["is_error"], run
    return report


@pytest.mark.parametrize("protocol, more", [
    ("http/json", {}), ("http/protobuf", {}), ("http/protobuf", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
], ids=["json", "protobuf", "gzip"])
def test_its_records_join_its_turns_and_are_not_counted(weir, simulation, laptop, protocol, more):
    secret = weir.key(developer=f"telemetry-{len(more)}-{protocol[-4:]}")
    run = laptop.claude(
        weir, secret, f"Share the work on {CANARY}. [sim tool=Agent,Bash rounds=2]",
        environment=telemetry(weir.url, secret, protocol, **more))
    report = done(run)
    turns = ledger.turns(weir, secret, 5)
    assert len(turns) == 5
    # Sums are what the turns say, and what the program says of itself; nothing was added to them.
    total = ledger.cost(turns)
    assert total == round(report["total_cost_usd"] * 1_000_000_000)
    spend = weir.json("report", "spend", "--by", "client", "--key", ledger.key_id(secret))
    assert [(row["labels"], row["turns"], row["cost_nano_usd"]) for row in spend["rows"]] == [(["claude-code"], 5, total)]

    said = 0
    for turn in turns:
        shown = weir.json("turn", "show", turn["request_id"])
        says = shown["client_says"]
        assert (says["client"], says["version"], says["success"]) == ("claude-code", "2.1.330", True), says
        assert set(says["difference"].values()) == {0}, says
        assert says["session"] == report["session_id"] and says["ttft_ms"] >= 0 and says["duration_ms"] >= 0, says
        assert says.get("sub_agent") == ledger.value(turn, "sub_agent"), says
        said += says["cost_nano_usd"]
    assert said == total
    text = weir.cli("turn", "show", turns[0]["request_id"]).stdout
    assert "client says" in text and "claude-code 2.1.330" in text, text

    session = weir.json("session", "show", report["session_id"])
    assert {one["name"]: (one["calls"], one["failures"]) for one in session["tools"]} == {"Agent": (1, 0), "Bash": (2, 0)}, session["tools"]
    assert "tools by client: Bash 2" in weir.cli("session", "show", report["session_id"]).stdout
    rows = {row["client"]: row for row in weir.json("report", "telemetry")["rows"]}
    assert rows["claude-code"]["missed"] == 0 and rows["claude-code"]["turns"] >= 5, rows
    # The prompt, the tools' input and their output were sent, and are nowhere.
    for text in (CANARY, "echo step"):
        ledger.check_nowhere(weir, text)


def test_calls_that_do_not_come_through_weir_are_found(weir, simulation, laptop):
    """The commonest mistake: the agent speaks to the provider itself, and only its telemetry comes here."""
    secret = weir.key(developer="telemetry-leak")

    class Elsewhere:
        url = simulation.url

    report = done(laptop.claude(
        Elsewhere, "no-key-of-ours", "Say hi. [sim rounds=0]", environment=telemetry(weir.url, secret, "http/protobuf")))
    found = weirkit.wait_until(
        lambda: [one for one in weir.json("report", "telemetry")["missed"] if one["developer"] == "telemetry-leak"])
    assert [(one["session"], one["calls"], one["client"]) for one in found] == [(report["session_id"], 1, "claude-code")], found
    assert found[0]["cost_nano_usd"] == round(report["total_cost_usd"] * 1_000_000_000)
    shown = weir.cli("report", "telemetry")
    assert f"telemetry-leak, session {report['session_id']}" in shown.stdout + shown.stderr


def test_a_receiver_that_refuses_does_not_disturb_it(weir, simulation, laptop):
    secret = weir.key(developer="telemetry-refused")
    report = done(laptop.claude(
        weir, secret, "Say hi. [sim rounds=0]", environment=telemetry(weir.url, "weir_k_wrong", "http/protobuf")))
    turns = ledger.turns(weir, secret)
    assert len(turns) == 1 and ledger.cost(turns) == round(report["total_cost_usd"] * 1_000_000_000)
    assert "client_says" not in weir.json("turn", "show", turns[0]["request_id"])
