"""What each version makes of an error: sends again, stops and shows the words, or shortens the conversation."""

import json
import re

RETRY, STOP, COMPACT = "retry", "stop", "compact"

# OpenCode 2: the reason of a failure, from status, code and text. The order of the questions is the client's own.
QUOTA_CODES = {"insufficient_quota", "usage_not_included", "billing_error"}
SERVER_CODES = {
    "api_error", "internal_error", "internalserverexception", "modelstreamerrorexception", "overloaded_error", "server_error",
    "server_is_overloaded", "slow_down", "serviceunavailableexception",
}
REQUEST_CODES = {"invalid_prompt", "invalid_request_error", "validationexception"}
OVERFLOW_CODES = {"context_length_exceeded", "model_context_window_exceeded"}
OVERFLOW_TEXT = [
    r"prompt is too long", r"input is too long for requested model", r"exceeds the context window",
    r"exceeds (?:the )?(?:model'?s )?maximum context length(?: of [\d,]+ tokens?|\s*\([\d,]+\))",
    r"input token count.*exceeds the maximum", r"tokens in request more than max tokens allowed", r"maximum prompt length is \d+",
    r"reduce the length of the messages", r"maximum context length is \d+ tokens",
    r"exceeds (?:the )?maximum allowed input length of [\d,]+ tokens?",
    r"input \(\d+ tokens\) is longer than the model'?s context length \(\d+ tokens\)", r"exceeds the limit of \d+",
    r"exceeds the available context size", r"greater than the context length", r"context window exceeds limit",
    r"exceeded model token limit", r"context[_ ]length[_ ]exceeded", r"context length is only \d+ tokens",
    r"input length.*exceeds.*context length", r"prompt too long; exceeded (?:max )?context length",
    r"too large for model with \d+ maximum context length",
    r"prompt has [\d,]+ tokens?, but the configured context size is [\d,]+ tokens?", r"model_context_window_exceeded",
    r"too many tokens", r"token limit exceeded", r"^400\s*(status code)?\s*\(no body\)",
]
NOT_OVERFLOW = [r"^(throttling error|service unavailable):", r"rate limit", r"too many requests"]
TOO_LARGE = [r"request_too_large", r"request entity too large", r"payload too large", r"request too large"]
POLICY = [r"content[-_\s]?policy|content_filter|safety"]
QUOTA_TEXT = [r"insufficient[-_\s]?quota|quota[-_\s]?exceeded"]
RATE_TEXT = [r"rate increased too quickly|rate[-_\s]?limit|too[_\s]?many[_\s]?requests"]
TRIED_AGAIN = {"RateLimit", "ProviderInternal", "UnknownProvider"}


def says(text, patterns):
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def codes_in(text):
    try:
        document = json.loads(text)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    error = document.get("error") if isinstance(document.get("error"), dict) else {}
    return [code for code in (document.get("code"), error.get("code"), error.get("type")) if isinstance(code, str)]


def classify_second(status, message, body="", code=None):
    """The name of the reason that OpenCode 2 gives a failure."""
    codes = {name.lower() for name in [code, *codes_in(body), *codes_in(message)] if name}
    text = body or message
    if status is None or 400 <= status < 500:
        if codes & OVERFLOW_CODES or (not says(text, NOT_OVERFLOW) and says(text, OVERFLOW_TEXT)):
            return "ContextOverflow"
    if status == 413 or says(text, TOO_LARGE):
        return "PayloadTooLarge"
    if says(text, POLICY):
        return "ContentPolicy"
    if codes & QUOTA_CODES or (status == 429 and says(text, QUOTA_TEXT)):
        return "QuotaExceeded"
    if status in (401, 403) or codes & {"authentication_error", "permission_error"}:
        return "Authentication"
    if any("rate_limit" in name or name in ("too_many_requests", "throttlingexception") for name in codes) or says(text, RATE_TEXT):
        return "RateLimit"
    if any(name in SERVER_CODES or "exhausted" in name or "unavailable" in name for name in codes):
        return "ProviderInternal"
    if status == 429:
        return "RateLimit"
    if status in (408, 409) or (status is not None and status >= 500):
        return "ProviderInternal"
    if codes & REQUEST_CODES or status in (400, 404, 422):
        return "InvalidRequest"
    return "UnknownProvider"


def judge_second(status, headers, body):
    """Verdict, reason and words of OpenCode 2 on an HTTP error. Four further tries at most, from 2 s on, doubled each time."""
    try:
        document = json.loads(body)
        error = document.get("error")
        words = (error.get("message") if isinstance(error, dict) else None) or document.get("message")
    except (ValueError, AttributeError):
        words = None
    words = words or f"Provider request failed with HTTP {status}"
    reason = classify_second(status, words, body)
    override = headers.get("x-should-retry")
    if override in ("true", "false"):
        verdict = RETRY if override == "true" else STOP
    else:
        verdict = RETRY if reason in TRIED_AGAIN else STOP
    return (COMPACT if reason == "ContextOverflow" and verdict == STOP else verdict), reason, words


# OpenCode 1: the AI SDK says what may be tried again; OpenCode waits and tries, and does not count.
FIRST_OVERFLOW = [
    r"prompt is too long", r"input is too long for requested model", r"exceeds the context window",
    r"input token count.*exceeds the maximum", r"maximum prompt length is \d+", r"reduce the length of the messages",
    r"maximum context length is \d+ tokens", r"exceeds the limit of \d+", r"exceeds the available context size",
    r"greater than the context length", r"context window exceeds limit", r"exceeded model token limit",
    r"context[_ ]length[_ ]exceeded", r"request entity too large", r"context length is only \d+ tokens",
    r"input length.*exceeds.*context length", r"^4(00|13)\s*(status code)?\s*\(no body\)",
]


def first_words(status, body):
    """The SDK's message: the error's own words in either dialect's shape, else the status text."""
    try:
        error = json.loads(body)["error"]
        return error["message"] if isinstance(error["message"], str) else ""
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"


def judge_first(status, headers, body, provider="weir"):
    """Verdict and words of OpenCode 1 on an HTTP error. It knows no `x-should-retry`."""
    words = first_words(status, body)
    if says(words, FIRST_OVERFLOW) or status == 413 or "context_length_exceeded" in codes_in(body):
        return COMPACT, words
    may_be_tried_again = status in (408, 409, 429) or status >= 500 or (status == 404 and provider.startswith("openai"))
    return (RETRY if may_be_tried_again else STOP), words


def delay_first(attempt, headers):
    """Seconds that OpenCode 1 waits before the next try."""
    if "retry-after-ms" in headers:
        return float(headers["retry-after-ms"]) / 1000
    if "retry-after" in headers:
        return float(headers["retry-after"])
    return min(2 * 2 ** (attempt - 1), 30)


def judge_first_stream(event):
    """Verdict and words of OpenCode 1 on an error inside a stream."""
    error = event.get("error") if isinstance(event.get("error"), dict) else event
    code, kind, message = (error.get(name) if isinstance(error.get(name), str) else None for name in ("code", "type", "message"))
    if code == "context_length_exceeded":
        return COMPACT, "Input exceeds context window of this model"
    if code == "insufficient_quota":
        return STOP, "Quota exceeded. Check your plan and billing details."
    if code in ("usage_not_included", "invalid_prompt"):
        return STOP, message or code
    if kind in ("too_many_requests", "rate_limit_error") or (code and "rate_limit" in code):
        return RETRY, message or "Rate Limited"
    return STOP, message or json.dumps(event)
