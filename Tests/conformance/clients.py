"""One call through each SDK, with its default retries, and what came of it."""

import dataclasses
import json

import anthropic
import openai

CHAT, RESPONSES, MESSAGES = "chat", "responses", "messages"
DIALECTS = (CHAT, RESPONSES, MESSAGES)
MODELS = {CHAT: "gpt-5.4-mini", RESPONSES: "gpt-5.4-mini", MESSAGES: "claude-opus-5-5"}
TEXT = "Say what you did."


@dataclasses.dataclass
class Outcome:
    """An error as the SDK raised it."""

    error: Exception

    @property
    def kind(self):
        return type(self.error).__name__

    @property
    def status(self):
        return getattr(self.error, "status_code", None)

    @property
    def headers(self):
        return self.error.response.headers

    @property
    def message(self):
        """The words that the SDK found, as an agent shows them."""
        body = getattr(self.error, "body", None)
        if isinstance(body, dict):
            body = body.get("error", body)
            return body.get("message", "") if isinstance(body, dict) else ""
        return str(self.error)

    @property
    def code(self):
        return json.loads(self.error.response.text)["error"].get("code")

    @property
    def type(self):
        return json.loads(self.error.response.text)["error"]["type"]


def call(gateway, dialect, key=None, model=None, headers=None, text=TEXT, **options):
    """A whole answer by one of the SDKs."""
    model = model or MODELS[dialect]
    if dialect == MESSAGES:
        client = gateway.anthropic(key, headers, **options)
        return client.messages.create(model=model, max_tokens=200, messages=[{"role": "user", "content": text}])
    client = gateway.openai(key, headers, **options)
    if dialect == RESPONSES:
        return client.responses.create(model=model, input=text)
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])


def failure(gateway, dialect, **options):
    """The error that such a call ends in."""
    try:
        answer = call(gateway, dialect, **options)
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        return Outcome(error)
    raise AssertionError(f"an error was expected, not {answer}")
