"""What each real program makes of a refusal: it ends, the developer reads Weir's own words, and no more requests come than the
program's rules force. The expected counts are docs of the programs' behaviour as much as of Weir's.
"""

import dataclasses
import json

import ledger
import pytest
import weirkit
from tap import Tap

BAD_KEY = "sk-proj-a-key-of-another-gateway"
MODELS = {"codex": "gpt-5.5", "claude": "claude-sonnet-4-5", "mini": "gpt-5.2", "aider": "gpt-5.2"}
# What is said, on one line and in the program's own wrapping.
WORDS = {
    "bad key": "This is not a Weir virtual key (weir_k_…). Check how the key was copied.",
    "revoked key": "is revoked. Ask your platform team for a new one.",
    "model not allowed": "It may use: gpt-4.1-nano.",
    "unknown model": "No provider serves model",
    "oversized body": "The body is larger than 2048 bytes. An operator can raise limits.request_body_bytes_max.",
    "provider down": "Provider down cannot be reached: the connection was refused.",
}


@dataclasses.dataclass
class Expected:
    """How a program ends, and how many calls of a model arrive."""

    code: int
    requests: int
    status: int
    # What bounds a wait that would last minutes; a program's own documented setting.
    bounds: dict = dataclasses.field(default_factory=dict)
    # Where the program puts words of its own in the place of Weir's.
    words: str = ""


EXPECTED = {
    # Codex retries a 401 five times whatever the answer says, and prints the body of a 400 at once.
    ("codex", "bad key"): Expected(1, 6, 401),
    ("codex", "revoked key"): Expected(1, 6, 401),
    ("codex", "model not allowed"): Expected(1, 1, 400),
    ("codex", "unknown model"): Expected(1, 1, 400),
    ("codex", "oversized body"): Expected(1, 1, 400),
    # By default 5 tries of a request times 6 of a stream: a minute.
    ("codex", "provider down"): Expected(
        1, 4, 503, {"settings": "request_max_retries = 1\nstream_max_retries = 1\n"}),
    ("claude", "bad key"): Expected(1, 1, 401),
    ("claude", "revoked key"): Expected(1, 1, 401),
    ("claude", "model not allowed"): Expected(1, 1, 403),
    ("claude", "unknown model"): Expected(1, 1, 410),
    # It says its own words on a 413, and how to mend it.
    ("claude", "oversized body"): Expected(1, 1, 413, words="Request too large (max 32MB)."),
    # By default 11 requests in three minutes.
    ("claude", "provider down"): Expected(1, 2, 503, {"environment": {"CLAUDE_CODE_MAX_RETRIES": "1"}}),
    ("mini", "bad key"): Expected(1, 1, 401),
    ("mini", "revoked key"): Expected(1, 1, 401),
    # litellm has no name of its own for a 403 of an OpenAI-compatible server, so mini-swe-agent takes it for a failure that may
    # pass: by default 10 attempts in five minutes.
    ("mini", "model not allowed"): Expected(1, 2, 403, {"attempts": 2}),
    ("mini", "unknown model"): Expected(1, 1, 404),
    ("mini", "oversized body"): Expected(1, 1, 413, {"attempts": 1}),
    # Each attempt is three requests of the OpenAI SDK inside.
    ("mini", "provider down"): Expected(1, 3, 503, {"attempts": 1}),
    # aider ends with 0 whatever happened.
    ("aider", "bad key"): Expected(0, 1, 401),
    ("aider", "revoked key"): Expected(0, 1, 401),
    ("aider", "model not allowed"): Expected(0, 1, 403),
    ("aider", "unknown model"): Expected(0, 1, 404),
    ("aider", "oversized body"): Expected(0, 1, 413),
}


def prepare(weir, program, situation):
    """The key and the model that bring the situation about."""
    model = MODELS[program]
    owner = f"refused-{program}"
    if situation == "bad key":
        return BAD_KEY, model
    if situation == "model not allowed":
        return weir.key("--model", "gpt-4.1-nano", developer=owner), model
    secret = weir.key(developer=owner)
    if situation == "revoked key":
        weir.cli("key", "revoke", ledger.key_id(secret))
    if situation == "unknown model":
        model = "nobody-has-this"
    if situation == "provider down":
        model = "down-1"
    return secret, model


@pytest.fixture(scope="session")
def narrow():
    """A Weir that takes small bodies only."""
    with weirkit.running("limits:\n  request_body_bytes_max: 2048\n") as made:
        yield made


@pytest.mark.parametrize(("program", "situation"), EXPECTED, ids=lambda text: text.replace(" ", "-"))
def test_a_refusal_is_read_and_ends(request, laptop, program, situation):
    weir, simulation = request.getfixturevalue("narrow" if situation == "oversized body" else "gateway")
    simulation.forget()
    tap = Tap(weir.port)
    expected = EXPECTED[program, situation]
    secret, model = prepare(weir, program, situation)
    run = getattr(laptop, program)(tap, secret, "Say hi.", model=model, **expected.bounds)
    assert run.code == expected.code, run
    tap.close()
    assert (expected.words or WORDS[situation]) in run.text, run
    assert secret not in run.text
    assert len(tap.posts) == expected.requests, tap.requests
    assert simulation.requests() == [], "a refused request reached the provider"
    if situation == "bad key":
        return
    turns = ledger.turns(weir, secret, expected.requests)
    assert [turn["status"] for turn in turns] == [expected.status] * expected.requests
    assert ledger.cost(turns) == 0
    if program == "claude":
        assert json.loads(run.out)["api_error_status"] == expected.status


def test_aider_says_why_it_waits_for_a_provider_that_is_down(weir, simulation, tap, laptop):
    # aider knows no setting for its retries: 27 requests in 100 seconds by default. It is stopped after it has said what is wrong.
    secret, model = prepare(weir, "aider", "provider down")
    run = laptop.aider(tap, secret, "Say hi.", model=model, until=WORDS["provider down"])
    assert WORDS["provider down"] in run.text, run
    assert 1 <= len(tap.posts) <= 6, tap.requests


def test_a_key_revoked_in_the_middle_of_a_session_ends_it(weir, simulation, tap, laptop):
    secret = weir.key(developer="refused-midway")
    first = laptop.claude(tap, secret, "Begin. [sim rounds=0]")
    weir.cli("key", "revoke", ledger.key_id(secret))
    second = laptop.claude(tap, secret, "Go on.", "--resume", json.loads(first.out)["session_id"])
    assert (first.code, second.code) == (0, 1)
    assert WORDS["revoked key"] in second.text, second
    assert len(tap.posts) == 2
    assert [turn["status"] for turn in ledger.turns(weir, secret, 2)] == [200, 401]


def test_the_built_in_provider_of_codex_counts_one_probe_more(weir, simulation, tap, laptop):
    secret, model = prepare(weir, "codex", "model not allowed")
    run = laptop.codex(tap, secret, "Say hi.", provider="openai", model=model)
    assert run.code == 1 and WORDS["model not allowed"] in run.text, run
    assert len(tap.posts) == 1 and sum("/responses" in line for line in tap.requests) == 2, tap.requests
