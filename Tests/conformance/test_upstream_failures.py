"""When the provider fails before it answers: the SDK's default retries, the provider's own words and headers, the ledger.

Every case of every dialect runs at once, since the SDKs wait between their tries; the tests look at what came of each."""

import concurrent.futures

import pytest

import weirkit
from clients import DIALECTS, failure
from gateway import gateway_with

# case: fault, status, words of the answer, tries of each SDK
CASES = {
    "too-many": ("status:429;retry-after=1", 429, "simulated failure with status 429", 3),
    "wait-long": ("status:429;retry-after=3600", 429, "simulated failure with status 429", None),
    "broken": ("status:500", 500, "simulated failure with status 500", 3),
    "overloaded": ("status:529", 529, "simulated failure with status 529", 3),
    "bad-request": ("status:400", 400, "simulated failure with status 400", 1),
    "unauthorised": ("status:401", 401, "simulated failure with status 401", 1),
    "page": ("html", 502, "502", 3),
    "reset": ("reset", 502, "closed the connection", 3),
    "down": (None, 503, "cannot be reached", 3),
}


@pytest.fixture(scope="module")
def gateway():
    dead = f"""  - name: dead
    kind: simulated
    base_url: http://127.0.0.1:{weirkit.free_port()}
    models: [dead-model]
"""
    with gateway_with(providers=dead) as made:
        yield made


@pytest.fixture(scope="module")
def outcomes(gateway):
    def run(case, dialect):
        fault, _, _, _ = CASES[case]
        name = f"{case}-{dialect}"
        headers = {"x-case": name, "x-weir-tag-case": name}
        if fault:
            headers["x-sim-fault"] = fault
        options = {} if CASES[case][3] else {"max_retries": 0}
        return failure(gateway, dialect, headers=headers, model=None if fault else "dead-model", **options)

    pairs = [(case, dialect) for case in CASES for dialect in DIALECTS]
    with concurrent.futures.ThreadPoolExecutor(len(pairs)) as pool:
        return dict(zip(pairs, pool.map(lambda pair: run(*pair), pairs)))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_status_and_words_reach_the_agent(outcomes, case, dialect):
    _, status, words, _ = CASES[case]
    outcome = outcomes[case, dialect]
    assert outcome.status == status
    assert words in (outcome.message or str(outcome.error)) or words in outcome.error.response.text
    kinds = {400: {"BadRequestError"}, 401: {"AuthenticationError"}, 429: {"RateLimitError"}}
    server = {"InternalServerError", "ServiceUnavailableError", "OverloadedError"}
    assert outcome.kind in kinds.get(status, server)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][3]])
def test_every_try_is_in_the_ledger_and_reached_the_provider(gateway, outcomes, case, dialect):
    fault, status, _, tries = CASES[case]
    turns = gateway.tagged(f"{case}-{dialect}")
    assert [turn["status"] for turn in turns] == [status] * tries
    # A kept connection that closes without a word is tried once more on a new one, inside the same turn.
    sent = sum(len(turn["tries"]) for turn in turns) if fault else 0
    assert len(gateway.served(f"{case}-{dialect}")) == sent
    assert sent == (tries if fault else 0) or case == "reset" and tries < sent <= 2 * tries
    errors = {"reset": "upstream_closed", "down": "upstream_unreachable"}
    assert {turn["error"] for turn in turns} == {errors.get(case, f"upstream_{status}")}
    for turn in turns:
        # A provider that closed without a word may have served the request; one that answered an error did not.
        assert (turn["cost_nano_usd"] > 0) == (case == "reset") == ("estimated" in turn["flags"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_providers_retry_advice_and_request_id_pass_through(gateway, outcomes, dialect):
    for case, wait in (("too-many", "1"), ("wait-long", "3600")):
        headers = outcomes[case, dialect].headers
        assert headers["retry-after"] == wait and "x-should-retry" not in headers
        own = headers["request-id" if dialect == "messages" else "x-request-id"]
        assert own.startswith("req_sim") and own in {turn["upstream_request_id"] for turn in gateway.tagged(f"{case}-{dialect}")}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_weirs_own_failures_say_when_to_come_back(outcomes, dialect):
    for case in ("reset", "down"):
        headers = outcomes[case, dialect].headers
        assert 1 <= int(headers["retry-after"]) <= 60 and "x-should-retry" not in headers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_of_html_passes_as_it_is(outcomes, dialect):
    response = outcomes["page", dialect].error.response
    assert response.headers["content-type"] == "text/html" and response.text == "<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_gives_up_on_a_silent_provider_gets_a_word_of_it(dialect):
    with gateway_with("limits:\n  first_byte_seconds: 1\n  stream_idle_seconds: 1\n") as gateway:
        outcome = failure(gateway, dialect, headers={"x-sim-fault": "hang"}, max_retries=0)
        assert outcome.status == 504 and "did not answer within" in outcome.message
        turn = gateway.last_turn()
        assert (turn["error"], turn["flags"]) == ("upstream_timeout", ["estimated", "session_inferred"])
