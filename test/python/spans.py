"""Reads OTLP requests as a collector does, with the message types of opentelemetry-proto.

Standard input is a JSON array of the bodies that a collector received, as texts. Prints the spans of all of them, with
what their resource says. Unknown fields, integers that are none and ids of a wrong length are errors.
"""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ID_BYTES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_base64(span: dict) -> dict:
    """OTLP's JSON has ids in hex, protobuf's own in base64, and hex passes for that without an error."""
    read = dict(span)
    for name, size in ID_BYTES.items():
        if name in read:
            raw = bytes.fromhex(read[name])
            assert len(raw) == size and any(raw) and read[name] == raw.hex(), f"{name}: {read[name]}"
            read[name] = base64.b64encode(raw).decode()
    return read


def plain(value):
    kind = value.WhichOneof("value")
    held = getattr(value, kind)
    return [plain(one) for one in held.values] if kind == "array_value" else held


def attributes(pairs) -> dict:
    read = {pair.key: plain(pair.value) for pair in pairs}
    assert len(read) == len(pairs), "an attribute stands twice"
    return read


spans = []
for body in json.load(sys.stdin):
    wire = json.loads(body)
    for resource in wire["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"] = [with_base64(span) for span in scope["spans"]]
    request = json_format.Parse(json.dumps(wire), ExportTraceServiceRequest())
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                spans.append(
                    {
                        "traceId": span.trace_id.hex(),
                        "spanId": span.span_id.hex(),
                        "parentId": span.parent_span_id.hex(),
                        "state": span.trace_state,
                        "name": span.name,
                        "kind": span.kind,
                        "startMs": span.start_time_unix_nano // 1_000_000,
                        "endMs": span.end_time_unix_nano // 1_000_000,
                        "failed": span.status.code == 2,
                        "attributes": attributes(span.attributes),
                        "resource": attributes(resource.resource.attributes),
                    }
                )
print(json.dumps(spans))
