"""The recorded wire shapes of `Fixtures/`, and what a client must see of them."""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "Fixtures"
LINE_END = re.compile(rb"\r\n|\n|\r")
USAGE_CLASSES = [
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_30m",
    "cache_write_1h",
    "cache_write_12h",
    "cache_write_unknown",
    "tool_prompt",
    "output",
    "reasoning",
    "audio_input",
    "image_input",
    "audio_output",
    "image_output",
    "web_searches",
    "web_fetches",
]


class Fixture:
    def __init__(self, expected_path):
        self.dialect = expected_path.parent.name
        self.case = expected_path.name.removesuffix(".expected.json")
        self.expected = json.loads(expected_path.read_text())
        stem = expected_path.parent / self.case
        self.request = pathlib.Path(f"{stem}.request.json").read_bytes()
        found = [p for p in (pathlib.Path(f"{stem}.response.{e}") for e in ("sse", "ndjson", "eventstream", "json")) if p.exists()]
        assert len(found) == 1, f"{stem} has {len(found)} responses"
        self.response = found[0].read_bytes()

    def __repr__(self):
        return f"{self.dialect}/{self.case}"

    @property
    def asks_for_stream(self):
        if self.dialect == "gemini":
            return "streamGenerateContent" in self.expected["path"]
        if self.dialect.startswith("bedrock"):
            return self.expected["path"].endswith("-stream")
        return json.loads(self.request).get("stream", self.dialect == "ollama") is True

    @property
    def gets_usage_injected(self):
        """Weir asks for the usage event where a chat or completion stream did not."""
        asked = (json.loads(self.request).get("stream_options") or {}).get("include_usage") is True
        return self.dialect in ("openai_chat", "openai_completions") and self.asks_for_stream and not asked

    @property
    def seen_by_client(self):
        """The bytes that must reach the client."""
        if self.gets_usage_injected and self.expected.get("withholds_usage_event"):
            return without_usage_event(self.response)
        return self.response


def events(raw):
    """The stream's events with their bytes, blank lines included."""
    start, line, found = 0, 3 if raw.startswith(b"\xef\xbb\xbf") else 0, []
    for end in LINE_END.finditer(raw):
        if end.start() == line:
            found.append(raw[start : end.end()])
            start = end.end()
        line = end.end()
    if start < len(raw):
        found.append(raw[start:])
    return found


def event_data(event):
    lines = [l for l in LINE_END.split(event.removeprefix(b"\xef\xbb\xbf")) if l.startswith(b"data:")]
    return b"\n".join(l[5:].removeprefix(b" ") for l in lines)


def is_usage_only(event):
    try:
        document = json.loads(event_data(event))
    except ValueError:
        return False
    return isinstance(document, dict) and isinstance(document.get("usage"), dict) and document.get("choices") == []


def without_usage_event(raw):
    kept = [event for event in events(raw) if not is_usage_only(event)]
    assert len(kept) == len(events(raw)) - 1, "exactly one event is withheld"
    return b"".join(kept)


def load():
    return [Fixture(path) for path in sorted(FOLDER.glob("*/*.expected.json"))]


ALL = load()
