"""The OTLP receiver: official messages and the official exporter are its clients; what it keeps is joined to turns and never counted."""

import concurrent.futures
import logging
import urllib.error
import urllib.request

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import otlp
import weirkit
from gateway import gateway_with

CANARY = "canary-prompt-71f3"


def turn(gateway, session, text="Hi"):
    """Makes a turn in a session and gives it as the ledger has it."""
    client = gateway.anthropic(headers={"x-weir-session": session})
    client.messages.create(model="claude-sonnet-4-5", max_tokens=50, messages=[{"role": "user", "content": text}])
    # Reading waits for the ledger, but not for ever, and telemetry may pour in before the turn.
    return weirkit.wait_until(
        lambda: next((one for one in gateway.turns() if (one.get("session") or {}).get("value") == session), None), 60, "the turn")


def says(gateway, made):
    return gateway.read(f"/turns/{made['request_id']}").get("client_says")


def nowhere(gateway, text):
    assert text not in gateway.weir.process.text
    for path in gateway.weir.data.rglob("*"):
        if path.is_file():
            assert text.encode() not in path.read_bytes(), f"{text} is in {path}"


# MARK: By hand, with the official messages


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("content_type", [otlp.PROTOBUF, otlp.JSON])
def test_a_call_is_joined_to_its_turn_in_every_encoding(gateway, content_type, compress):
    session = f"joined-{content_type[-4:]}-{compress}"
    made = turn(gateway, session)
    request = otlp.logs(otlp.call(made["upstream_request_id"], **{"session.id": session, "prompt.id": "p-1", "ttft_ms": "9"}))
    body = otlp.text(request) if content_type == otlp.JSON else request.SerializeToString()
    answer = otlp.post(gateway, "logs", body, content_type, compress=compress)
    assert answer.status == 200 and answer.headers["content-type"] == content_type
    assert not answer.response("logs").HasField("partial_success")
    found = says(gateway, made)
    assert (found["client"], found["version"], found["prompt"], found["ttft_ms"]) == ("claude-code", "2.1.330", "p-1", 9)
    assert found["cost_nano_usd"] == 250_000_000
    assert found["difference"]["cost_nano_usd"] == 250_000_000 - made["cost_nano_usd"]
    assert found["difference"]["input"] == 12 - made["usage"]["input"]


def test_the_same_request_in_both_encodings_says_the_same(gateway):
    found = []
    for content_type in (otlp.PROTOBUF, otlp.JSON):
        session = f"same-{content_type[-4:]}"
        made = turn(gateway, session)
        request = otlp.spans(("chat gpt-5.5", {
            "gen_ai.operation.name": "chat", "gen_ai.response.id": made["response_id"], "gen_ai.conversation.id": session,
            "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 2, "gen_ai.request.temperature": 0.5,
            "gen_ai.response.finish_reasons": ["stop"], "nested": {"a": [1, {"b": b"\x00\xff"}]}, "gen_ai.request.model": "é\n\"x"}))
        body = otlp.text(request) if content_type == otlp.JSON else request.SerializeToString()
        assert otlp.post(gateway, "traces", body, content_type).status == 200
        one = says(gateway, made)
        assert one and one["duration_ms"] == 250 and one["success"] is True
        found.append({name: one.get(name) for name in ("client", "version", "input", "output", "duration_ms", "model")})
    assert found[0] == found[1]


def test_what_clients_say_is_never_counted(gateway):
    before = gateway.read("/reports/spend", by="client,model")
    made = turn(gateway, "not-counted")
    between = gateway.read("/reports/spend", by="client,model")
    assert between["total"]["turns"] == before["total"]["turns"] + 1
    request = otlp.logs(
        otlp.call(made["upstream_request_id"], input_tokens=999_999_999, cost_usd=1000.0),
        otlp.call("req_of_another_way", input_tokens=999_999_999, cost_usd=1000.0))
    assert otlp.post(gateway, "logs", request.SerializeToString()).status == 200
    assert says(gateway, made)["cost_nano_usd"] == 1_000_000_000_000
    assert gateway.read("/reports/spend", by="client,model") == between


def test_calls_that_missed_weir_are_named_with_their_session_and_developer():
    with gateway_with() as gateway:
        key = gateway.weir.key(developer="noor", team="core")
        request = otlp.logs(otlp.call("req_elsewhere_1"), otlp.call("req_elsewhere_2"))
        assert otlp.post(gateway, "logs", request.SerializeToString(), key=key).status == 200
        report = gateway.weir.json("report", "telemetry")
        assert [(row["client"], row["version"], row["turns"], row["missed"]) for row in report["rows"]] == [
            ("claude-code", "2.1.330", 0, 2)]
        assert [(one["developer"], one["team"], one["session"], one["calls"]) for one in report["missed"]] == [
            ("noor", "core", "otlp-session", 2)]
        shown = gateway.weir.cli("report", "telemetry")
        assert "noor, session otlp-session" in shown.stdout + shown.stderr and "2 calls" in shown.stdout + shown.stderr


def test_tools_are_shown_with_their_session(gateway):
    turn(gateway, "tools")

    def result(number, name, success):
        return ("claude_code.tool_result", {
            "session.id": "tools", "tool_name": name, "tool_use_id": f"toolu_{number}", "success": success, "duration_ms": "30",
            "tool_input": CANARY, "tool_parameters": CANARY, "error": CANARY})
    request = otlp.logs(result(1, "Bash", "true"), result(2, "Bash", "false"), result(3, "Read", "true"))
    # An exporter that got no answer sends the same again.
    for _ in range(2):
        assert otlp.post(gateway, "logs", request.SerializeToString()).status == 200
    tools = gateway.read("/sessions/tools")["tools"]
    assert [(one["name"], one["calls"], one["failures"], one["duration_ms"]) for one in tools] == [("Bash", 2, 1, 60), ("Read", 1, 0, 30)]
    assert "Bash 2 (1 failed, 60 ms), Read 1 (30 ms)" in gateway.weir.cli("session", "show", "tools").stdout
    nowhere(gateway, CANARY)


def test_no_text_is_kept_wherever_a_client_puts_it(gateway):
    made = turn(gateway, "canaries")
    request = otlp.logs(
        otlp.call(made["upstream_request_id"], prompt=CANARY, body=CANARY, response=CANARY, error=CANARY, **{"user.email": CANARY}),
        ("claude_code.user_prompt", {"session.id": "canaries", "prompt": CANARY, "prompt_text": CANARY}),
        ("claude_code.api_request_body", {"session.id": "canaries", "body": CANARY}), (CANARY, {CANARY: CANARY}))
    assert otlp.post(gateway, "logs", request.SerializeToString()).status == 200
    assert otlp.post(gateway, "traces", otlp.spans(("chat", {
        "gen_ai.operation.name": "chat", "gen_ai.input.messages": CANARY, "gen_ai.output.messages": CANARY,
        "gen_ai.system_instructions": CANARY, "gen_ai.response.id": f"an id with spaces {CANARY}"})).SerializeToString()).status == 200
    assert otlp.post(gateway, "logs", CANARY.encode(), otlp.JSON).status == 400
    assert says(gateway, made)
    nowhere(gateway, CANARY)


# MARK: Refusals


def test_without_a_key_nothing_is_taken(gateway):
    body = otlp.logs(otlp.call("req_1")).SerializeToString()
    assert otlp.post(gateway, "logs", body, key=False).status == 401
    assert otlp.post(gateway, "logs", body, key="weir_k_nobody").status == 401
    for fields in ({"x-api-key": gateway.key}, {"api-key": gateway.key}):
        assert otlp.post(gateway, "logs", body, key=False, headers=fields).status == 200


def test_a_revoked_key_is_out(gateway):
    key = gateway.weir.key(developer="leaver")
    gateway.weir.cli("key", "revoke", key.split("_")[2])
    assert otlp.post(gateway, "logs", b"", key=key).status in (401, 403)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/grpc"])
def test_another_media_type_is_refused(gateway, content_type):
    answer = otlp.post(gateway, "logs", b"{}", content_type or "")
    assert answer.status == 415 and answer.failure().code == 3 and "application/x-protobuf" in answer.failure().message


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
@pytest.mark.parametrize("content_type", [otlp.PROTOBUF, otlp.JSON])
def test_what_is_malformed_is_refused_with_a_status_in_its_encoding(gateway, signal, content_type):
    answer = otlp.post(gateway, signal, b"\xff{", content_type)
    assert answer.status == 400 and answer.headers["content-type"] == content_type
    assert answer.failure().code == 3 and "OTLP" in answer.failure().message
    assert answer.headers["retry-after"] is None


def test_damaged_and_endless_gzip_are_refused(gateway):
    assert otlp.post(gateway, "logs", b"no gzip", headers={"content-encoding": "gzip"}).status == 400
    assert otlp.post(gateway, "logs", b"x", headers={"content-encoding": "br"}).status == 415
    answer = otlp.post(gateway, "logs", bytes(9 << 20), compress=True)
    assert answer.status == 413 and answer.failure().code == 8


def test_a_body_over_the_limit_is_refused(gateway):
    assert otlp.post(gateway, "logs", bytes((8 << 20) + 1)).status == 413


def test_other_methods_are_refused(gateway):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(
            f"{gateway.weir.url}/v1/logs", headers={"authorization": f"Bearer {gateway.key}"}))
    assert refused.value.code == 405 and refused.value.headers["allow"] == "POST"


@pytest.mark.parametrize("content_type", [otlp.PROTOBUF, otlp.JSON])
def test_a_partial_success_says_how_many_were_rejected(gateway, content_type):
    request = otlp.logs(otlp.call("a prompt is no id"), otlp.call("req_good"), otlp.call("x" * 201))
    body = otlp.text(request) if content_type == otlp.JSON else request.SerializeToString()
    answer = otlp.post(gateway, "logs", body, content_type)
    partial = answer.response("logs").partial_success
    assert answer.status == 200 and partial.rejected_log_records == 2 and "id" in partial.error_message


# MARK: The official exporter


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_official_exporter_sends_logs_traces_and_metrics(gateway, compression, caplog):
    caplog.set_level(logging.WARNING)
    options = {"headers": {"authorization": f"Bearer {gateway.key}"}, "compression": compression, "timeout": 10}
    resource = Resource.create({"service.name": "otel-python", "service.version": "1.45.2"})
    session = f"exporter-{compression.value}"
    made = turn(gateway, session)

    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{gateway.weir.url}/v1/traces", **options)))
    with tracing.get_tracer("shop").start_as_current_span("chat claude-sonnet-4-5") as span:
        span.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.response.id": made["response_id"], "gen_ai.conversation.id": session,
            "gen_ai.usage.input_tokens": 5, "gen_ai.input.messages": CANARY})
    tracing.shutdown()

    logged = LoggerProvider(resource=resource)
    logged.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{gateway.weir.url}/v1/logs", **options)))
    logged.get_logger("shop").emit(LogRecord(body=f"a message with {CANARY}", severity_text="WARN", event_name="shop.closed"))
    logged.shutdown()

    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{gateway.weir.url}/v1/metrics", **options), export_interval_millis=60_000)
    metering = MeterProvider(metric_readers=[reader], resource=resource)
    meter = metering.get_meter("shop")
    meter.create_counter("orders").add(3, {"shop": "a"})
    meter.create_histogram("wait", unit="ms").record(12.5)
    metering.shutdown()

    assert not caplog.records, caplog.text
    found = says(gateway, made)
    assert (found["client"], found["version"], found["input"]) == ("otel-python", "1.45.2", 5)
    assert gateway.counters()["telemetry_records"] >= 4
    nowhere(gateway, CANARY)


def test_the_exporter_gives_up_on_a_compression_that_is_not_read(gateway):
    before = gateway.counters()["telemetry_refused"]
    exporter = OTLPSpanExporter(
        endpoint=f"{gateway.weir.url}/v1/traces", headers={"authorization": f"Bearer {gateway.key}"},
        compression=Compression.Deflate, timeout=10)
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.get_tracer("shop").start_span("x").end()
    tracing.shutdown()
    # Once: 415 is not to be tried again.
    assert gateway.counters()["telemetry_refused"] == before + 1


# MARK: Durability


def test_what_was_answered_200_survives_a_kill():
    with gateway_with() as gateway:
        made = turn(gateway, "killed")
        for number in range(30):
            request = otlp.logs(otlp.call(f"req_other_{number}"), otlp.call(made["upstream_request_id"], **{"session.id": "killed"}))
            assert otlp.post(gateway, "logs", request.SerializeToString()).status == 200
        gateway.weir.kill()
        gateway.weir.start()
        report = gateway.weir.json("report", "telemetry")
        assert [(row["turns"], row["missed"]) for row in report["rows"]] == [(1, 30)]
        assert says(gateway, made)


def test_a_large_export_is_taken_whole(gateway):
    calls = [otlp.call(f"req_large_{number}", **{"session.id": "large"}) for number in range(3000)]
    answer = otlp.post(gateway, "logs", otlp.logs(*calls).SerializeToString())
    assert answer.status == 200 and not answer.response("logs").HasField("partial_success")
    missed = [one for one in gateway.read("/reports/telemetry")["missed"] if one["session"] == "large"]
    assert [one["calls"] for one in missed] == [3000]


def test_turns_go_on_while_telemetry_pours_in(gateway):
    """Exports that take long to decode wait for one another, and no turn waits for them."""
    big = otlp.text(otlp.logs(*[otlp.call(f"req_pour_{number}", filler="x" * 1500) for number in range(2500)]))
    assert len(big) < 8 << 20
    with concurrent.futures.ThreadPoolExecutor(24) as threads:
        poured = [threads.submit(otlp.post, gateway, "logs", big, otlp.JSON) for _ in range(24)]
        for number in range(5):
            turn(gateway, f"while-{number}")
        answers = [one.result() for one in poured]
    assert {one.status for one in answers} <= {200, 503}, [one.status for one in answers]
    assert any(one.status == 200 for one in answers)
    for one in answers:
        if one.status == 503:
            assert int(one.headers["retry-after"]) >= 1
