"""Server-sent events as both versions frame them, and what reading an answer comes to."""

import dataclasses
import json


class Refused(Exception):
    """The client gives up on an answer. `is_tried_again`: it sends the request once more."""

    def __init__(self, words, is_tried_again=False):
        super().__init__(words)
        self.is_tried_again = is_tried_again


@dataclasses.dataclass
class Tool:
    id: str
    name: str
    arguments: str = ""


@dataclasses.dataclass
class Read:
    """What the client makes of an answer."""

    text: str = ""
    reasoning: str = ""
    tools: list = dataclasses.field(default_factory=list)
    finish: str = None
    usage: dict = None
    signatures: list = dataclasses.field(default_factory=list)


def events(body):
    """The (event name, data) pairs of a body. An event counts once its blank line has come; an unfinished one is dropped."""
    text = body.decode("utf-8")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    name, data = "", []
    for line in text.split("\n")[:-1]:
        if line == "":
            if data:
                yield name or "message", "\n".join(data)
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)


def document(data, what):
    """The JSON object in an event's data."""
    try:
        value = json.loads(data)
    except ValueError:
        raise Refused(f"invalid {what} stream event: {data[:80]}") from None
    if not isinstance(value, dict):
        raise Refused(f"invalid {what} stream event: not an object")
    return value


def typed(value, kind, what, optional=True):
    """The value, when it is of that kind (or absent); both versions decode events by a schema."""
    if value is None and optional:
        return None
    is_number_wanted = kind in (int, float)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) if is_number_wanted else isinstance(value, kind)
    if not fits:
        raise Refused(f"invalid stream event: {what} is {value!r}")
    return value
