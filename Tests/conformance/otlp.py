"""OTLP by hand: requests made with the official messages, in protobuf and in JSON, and sent as an exporter sends them."""

import gzip
import json
import urllib.error
import urllib.request

from google.protobuf import json_format
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2

REQUESTS = {
    "logs": logs_service_pb2.ExportLogsServiceRequest, "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest}
RESPONSES = {
    "logs": logs_service_pb2.ExportLogsServiceResponse, "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse}
PROTOBUF, JSON = "application/x-protobuf", "application/json"


class Answer:
    """What a receiver answered."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def response(self, signal):
        """The export response, read by the official library."""
        if self.headers["content-type"] == PROTOBUF:
            return RESPONSES[signal].FromString(self.body)
        return json_format.Parse(self.body, RESPONSES[signal]())

    def failure(self):
        """The google.rpc.Status, likewise."""
        if self.headers["content-type"] == PROTOBUF:
            return status_pb2.Status.FromString(self.body)
        return json_format.Parse(self.body, status_pb2.Status())


def post(gateway, signal, body, content_type=PROTOBUF, key=None, headers=None, compress=False):
    """Sends a request body; `key` False sends none."""
    fields = {"content-type": content_type, **(headers or {})}
    if key is not False:
        fields["authorization"] = f"Bearer {key or gateway.key}"
    if compress:
        body = gzip.compress(body)
        fields["content-encoding"] = "gzip"
    fields = {name: value for name, value in fields.items() if value is not None}
    request = urllib.request.Request(f"{gateway.weir.url}/v1/{signal}", data=body, headers=fields, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())


def value(thing):
    """An AnyValue."""
    if isinstance(thing, bool):
        return common_pb2.AnyValue(bool_value=thing)
    if isinstance(thing, int):
        return common_pb2.AnyValue(int_value=thing)
    if isinstance(thing, float):
        return common_pb2.AnyValue(double_value=thing)
    if isinstance(thing, bytes):
        return common_pb2.AnyValue(bytes_value=thing)
    if isinstance(thing, list):
        return common_pb2.AnyValue(array_value=common_pb2.ArrayValue(values=[value(one) for one in thing]))
    if isinstance(thing, dict):
        return common_pb2.AnyValue(kvlist_value=common_pb2.KeyValueList(values=pairs(thing)))
    return common_pb2.AnyValue(string_value=thing)


def pairs(attributes):
    return [common_pb2.KeyValue(key=key, value=value(one)) for key, one in attributes.items()]


def logs(*records, client="claude-code", version="2.1.330"):
    """A request whose records are (event name, attributes)."""
    request = REQUESTS["logs"]()
    resource = request.resource_logs.add()
    resource.resource.attributes.extend(pairs({"service.name": client, "service.version": version}))
    scope = resource.scope_logs.add()
    for number, (name, attributes) in enumerate(records):
        scope.log_records.add(
            time_unix_nano=1_795_580_474_000_000_000 + number, body=value(name), attributes=pairs(attributes))
    return request


def spans(*records, client="shop-bot", version="7"):
    """A request whose spans are (name, attributes)."""
    request = REQUESTS["traces"]()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(pairs({"service.name": client, "service.version": version}))
    scope = resource.scope_spans.add()
    for number, (name, attributes) in enumerate(records):
        scope.spans.add(
            name=name, trace_id=bytes(15) + bytes([number + 1]), span_id=bytes(7) + bytes([number + 1]),
            start_time_unix_nano=1_795_580_474_000_000_000, end_time_unix_nano=1_795_580_474_250_000_000,
            attributes=pairs(attributes))
    return request


def text(request):
    """The request in OTLP's JSON: protobuf's mapping, but for ids, which are hexadecimal."""
    document = json_format.MessageToDict(request)
    for resource in document.get("resourceSpans", []):
        for scope in resource["scopeSpans"]:
            for span, message in zip(scope["spans"], request.resource_spans[0].scope_spans[0].spans):
                span["traceId"], span["spanId"] = message.trace_id.hex(), message.span_id.hex()
    return json.dumps(document).encode()


def call(request_id, **more):
    """A call as Claude Code logs it."""
    return ("claude_code.api_request", {
        "session.id": "otlp-session", "request_id": request_id, "model": "claude-sonnet-4-5", "input_tokens": 12,
        "output_tokens": 3, "cache_read_tokens": 0, "cache_creation_tokens": 0, "cost_usd": 0.25, "duration_ms": 40, **more})
