"""Budgets that hold, on the real binary: five hundred turns against a budget for one, in each tier; what each SDK makes of a refusal and
how often it asks; counters that come back after a start; rules that are made, changed and granted while turns run."""

import asyncio
import json
import re
import urllib.parse

import anthropic
import openai
import pytest

import weirkit
from gateway import gateway_with
from raw import PATHS, post, request_body

# Five hundred connections wait for one another, which a loaded machine may take its time for.
CONFIGURATION = """limits:
  header_seconds: 300
budgets:
  - name: everyone
    usd: "1000"
    window: month
    zone: Europe/Berlin
    contact: finance@acme.example
"""
COUNT = 500
BODY = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Once."}], "max_tokens": 50, "stream": True}


def dollars(nano):
    return f"{nano // 10**9}.{nano % 10**9:09d}"


def bound(gateway, key_id, body):
    """What a strict budget reserves for a turn."""
    return gateway.weir.json(
        "limit", "explain", "--key", key_id, "--model", body["model"], "--bytes", len(json.dumps(body)), "--max-output-tokens",
        body["max_tokens"])["reserves_nano_usd"]


def key_id(secret):
    return secret.split("_")[2]


async def one_call(place, gate, key, body, headers):
    """One request on a connection of its own, sent when everybody is connected: its status and its body."""
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    text = json.dumps(body).encode()
    fields = {"host": "weir", "content-type": "application/json", "authorization": f"Bearer {key}", "content-length": len(text),
              "connection": "close", "x-sim-pace-ms": "20", **headers}
    head = "POST /v1/chat/completions HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    await gate.wait()
    writer.write(head.encode() + text)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


def all_at_once(gateway, count, key, body, headers=lambda number: {}):
    place = urllib.parse.urlsplit(gateway.weir.url)

    async def run():
        gate = asyncio.Event()
        calls = [asyncio.create_task(one_call(place, gate, key, body, headers(number))) for number in range(count)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*calls)

    return asyncio.run(run())


TIERS = {
    "workspace": [],
    "team": ["--for", "team=web"],
    "key": ["--for", "key={key}"],
    "model": ["--for", "model=gpt-5.4-mini"],
    "each session, made by its first turn": ["--per", "session"],
    "each developer and tag, made by its first turn": ["--per", "developer", "--per", "tag:ticket"],
}


@pytest.mark.parametrize("tier", TIERS)
def test_of_five_hundred_turns_at_once_a_budget_for_one_admits_one(gateway, tier):
    key = gateway.weir.key(developer=f"dev-{len(tier)}")
    served = len(gateway.simulation.served())
    options = [option.replace("{key}", key_id(key)) for option in TIERS[tier]]
    gateway.weir.cli("budget", "create", "one", "--usd", "1000", "--window", "day", *options)
    # What was spent before the budget was made counts, but for sessions and tickets that are new.
    before = 0 if "--per" in options else sum(counter["used"] for counter in gateway.weir.json("budget", "show", "one")["counters"])
    one = bound(gateway, key_id(key), BODY)
    gateway.weir.cli("budget", "update", "one", "--usd", dollars(before + one))
    try:
        answers = all_at_once(
            gateway, COUNT, key, BODY, lambda number: {"x-weir-session": f"s-{tier[:4]}", "x-weir-tag-ticket": f"T-{tier[:4]}"})
        statuses = [status for status, _ in answers]
        assert statuses.count(200) == 1 and statuses.count(402) == COUNT - 1, sorted(set(statuses))
        assert len(gateway.simulation.served()) == served + 1
        shown = gateway.weir.json("budget", "show", "one")
        counter = shown["counters"][0] if not shown["group_by"] else next(one for one in shown["counters"] if tier[:4] in str(one["group"]))
        assert counter["reserved"] == 0 and before < counter["used"] <= counter["limit"]
        refused = next(body for status, body in answers if status == 402)
        assert b'"code":"insufficient_quota"' in refused and b'Budget \\"one\\"' in refused
    finally:
        gateway.weir.cli("budget", "delete", "one")


UNPRICED = """  - name: nobody
    kind: simulated
    base_url: {simulation}
    models: [a-model-that-nobody-lists]
    price_provider: nobody
"""


@pytest.fixture(scope="module")
def spent():
    """A gateway whose one budget has room for nothing."""
    with gateway_with('budgets:\n  - {name: nothing, usd: "0.000001", window: day, for: {team: web}, contact: finance@acme.example}\n',
                      providers=UNPRICED) as made:
        made.web = made.weir.key(team="web")
        yield made


@pytest.mark.parametrize("call", ("chat", "responses", "messages"))
def test_a_spent_budget_stops_each_sdk_after_one_request_and_says_why(spent, call):
    before = spent.counters()["refusals"]
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as failed:
        if call == "chat":
            spent.openai(spent.web).chat.completions.create(**{**BODY, "stream": False})
        elif call == "responses":
            spent.openai(spent.web).responses.create(model="gpt-5.4-mini", input="Once.", max_output_tokens=50)
        else:
            spent.anthropic(spent.web).messages.create(
                model="claude-opus-5-5", max_tokens=50, messages=[{"role": "user", "content": "Once."}])
    assert spent.counters()["refusals"] == before + 1
    assert failed.value.status_code == (429 if call == "messages" else 402)
    words = json.dumps(failed.value.body)
    assert "nothing" in words and "team web" in words and "finance@acme.example" in words and "begins anew" in words
    turn = spent.last_turn()
    assert turn["error"] == "budget_exceeded" and turn["limits"][0]["rule"] == "nothing" and turn["limits"][0]["decided"]


def test_a_model_without_a_price_is_refused_under_a_strict_budget_and_told_so(spent):
    answer = post(spent.weir.url, "chat", spent.web, {**BODY, "model": "a-model-that-nobody-lists"})
    assert answer.status == 403 and b"has no price" in answer.body and b"nothing" in answer.body


def test_another_team_is_not_stopped(spent):
    other = spent.weir.key(developer="jon", team="data")
    assert post(spent.weir.url, "chat", other, BODY).status == 200


def test_every_answer_says_how_much_is_left(gateway):
    answer = post(gateway.weir.url, "chat", gateway.key, BODY)
    assert answer.status == 200
    assert answer.headers["ratelimit-policy"].startswith('"everyone";q=1000000000000;qu="nano-usd";w=2678400')
    left = int(re.fullmatch(r'"everyone";r=(\d+);t=\d+', answer.headers["ratelimit"]).group(1))
    assert 0 < left < 1_000_000_000_000


def test_a_turn_shows_each_rule_that_held_for_it_with_its_counters(gateway):
    gateway.weir.cli("limit", "create", "pace", "--limit", "1000", "--unit", "requests", "--per", "key", "--window", "day")
    assert post(gateway.weir.url, "chat", gateway.key, BODY).status == 200
    limits = {one["rule"]: one for one in gateway.last_turn()["limits"]}
    assert set(limits) == {"everyone", "pace"}
    assert limits["pace"]["used"] == 1 and limits["pace"]["group"] == [key_id(gateway.key)]
    assert limits["everyone"]["used"] == gateway.last_turn()["cost_nano_usd"] < limits["everyone"]["reserved"]
    assert "budget" in gateway.weir.cli("turn", "show", gateway.last_turn()["request_id"]).stdout
    gateway.weir.cli("limit", "delete", "pace")


def test_a_rule_that_is_declared_in_the_file_is_read_only_elsewhere(gateway):
    shown = gateway.weir.json("budget", "show", "everyone")
    assert shown["declared_in"] == "configuration" and shown["state"] == "enforced" and shown["zone"] == "Europe/Berlin"
    for verb in (["budget", "delete", "everyone"], ["budget", "update", "everyone", "--usd", "1"]):
        done = gateway.weir.cli(*verb, check=False)
        assert done.returncode == 1 and "declared in the configuration" in done.stderr and "weir.yaml" in done.stderr


def test_a_rule_made_while_the_server_runs_counts_what_was_spent_before(gateway):
    key = gateway.weir.key(developer="late")
    for _ in range(3):
        assert post(gateway.weir.url, "chat", key, {**BODY, "stream": False}).status == 200
    spent = sum(turn["cost_nano_usd"] for turn in gateway.turns() if turn["developer"] == "late")
    gateway.weir.cli("budget", "create", "late", "--usd", dollars(spent), "--window", "month", "--for", "developer=late")
    shown = gateway.weir.json("budget", "show", "late")
    assert shown["counters"][0]["used"] == spent
    assert post(gateway.weir.url, "chat", key, BODY).status == 402
    gateway.weir.cli("budget", "grant", "late", "--usd", "1", "--for", "1h", "--by", "ada", "--reason", "release")
    assert post(gateway.weir.url, "chat", key, BODY).status == 200
    assert gateway.weir.json("budget", "show", "late")["counters"][0]["granted"] == 1_000_000_000
    gateway.weir.cli("budget", "update", "late", "--usd", "50")
    assert gateway.weir.json("budget", "show", "late")["counters"][0]["limit"] == 51_000_000_000
    gateway.weir.cli("budget", "delete", "late")


def test_a_proposed_budget_is_tried_on_the_past(gateway):
    before = gateway.weir.json("budget", "simulate", "--usd", "1000", "--window", "month", "--since", "1d")
    assert before["refused"] == 0 and before["turns"] > 3
    tried = gateway.weir.json("budget", "simulate", "--usd", "0.0001", "--window", "month", "--per", "developer", "--since", "1d")
    assert tried["refused"] > 0 and tried["groups"][0]["first_refusal"]


def test_counters_are_what_they_were_after_a_start(gateway):
    gateway.weir.cli("budget", "create", "kept", "--usd", "100", "--window", "month", "--per", "developer", "--per", "session")
    for number in range(4):
        assert post(gateway.weir.url, "chat", gateway.key, {**BODY, "stream": False}, x_weir_session=f"kept-{number % 2}").status == 200
    before = {name: gateway.weir.json("budget", "show", name)["counters"] for name in ("everyone", "kept")}
    gateway.weir.stop()
    gateway.weir.start()
    assert {name: gateway.weir.json("budget", "show", name)["counters"] for name in ("everyone", "kept")} == before
    gateway.weir.kill()
    gateway.weir.start()
    assert {name: gateway.weir.json("budget", "show", name)["counters"] for name in ("everyone", "kept")} == before
    gateway.weir.cli("budget", "delete", "kept")


def test_a_turn_that_does_not_fit_is_served_by_the_cheaper_model_that_the_rule_names(gateway):
    key = gateway.weir.key(developer="thrifty")
    gateway.weir.cli("budget", "create", "dear", "--usd", "0.000001", "--window", "day", "--for", "model=gpt-5.4", "--on-exceed",
                     "route:gpt-5.4-mini")
    answer = post(gateway.weir.url, "chat", key)
    assert answer.status == 200
    turn = gateway.last_turn()
    assert turn["model_asked"] == "gpt-5.4" and turn["deployment"].endswith("/gpt-5.4-mini")
    assert [one["rule"] for one in turn["limits"] if one["decided"]] == ["dear"]
    assert json.loads(gateway.simulation.requests()[-1]["body"])["model"] == "gpt-5.4-mini"
    gateway.weir.cli("budget", "delete", "dear")


def test_a_session_that_is_stopped_goes_on_when_somebody_grants_it_more(gateway):
    key = gateway.weir.key(developer="runner")
    gateway.weir.cli("limit", "create", "turns", "--limit", "2", "--unit", "requests", "--window", "none", "--per", "session",
                     "--for", "developer=runner", "--on-exceed", "ask")
    statuses = [post(gateway.weir.url, "chat", key, x_weir_session="ses_1").status for _ in range(3)]
    assert statuses == [200, 200, 402]
    gateway.weir.cli("session", "grant", "ses_1", "--turns", "1", "--by", "ada", "--reason", "nearly done")
    assert [post(gateway.weir.url, "chat", key, x_weir_session="ses_1").status for _ in range(2)] == [200, 402]
    grants = gateway.read("/limit-grants")["data"]
    assert grants[-1]["by"] == "ada" and grants[-1]["amount"] == 1 and grants[-1]["group"][0] == "ses_1"
    gateway.weir.cli("limit", "delete", "turns")


def test_a_rule_that_goes_and_comes_back_counts_its_past_once():
    with gateway_with() as gateway:
        gateway.openai().chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": "hello"}], max_tokens=20)
        cost = weirkit.wait_until(lambda: gateway.turns(), what="the turn")[0]["cost_nano_usd"]
        rule = {"id": "back", "limit": 10**9, "unit": "nano_usd", "window": "month"}

        def used():
            return weirkit.wait_until(lambda: gateway.read("/budgets/back")["counters"], what="its counter")[0]["used"]
        for _ in range(3):
            assert gateway.admin("POST", "/budgets", rule)[0] == 201
            assert used() == cost
            assert gateway.admin("DELETE", "/budgets/back")[0] == 200
        assert gateway.admin("POST", "/budgets", rule)[0] == 201
        for window in ("day", "month", "day", "month"):
            assert gateway.admin("PATCH", "/budgets/back", {"window": window})[0] == 200
            assert used() == cost
        # What was granted to a rule goes with it.
        assert gateway.admin("POST", "/budgets/back/grant", {"group": [], "amount": 50 * 10**9, "by": "root"})[0] == 201
        assert gateway.admin("DELETE", "/budgets/back")[0] == 200
        assert gateway.admin("POST", "/budgets", rule)[0] == 201
        assert used() == cost and gateway.read("/budgets/back")["counters"][0]["granted"] == 0
        assert gateway.read("/limit-grants")["data"] == []


def test_a_rate_that_is_raised_lets_pass_what_it_now_allows():
    with gateway_with() as gateway:
        client = gateway.openai(max_retries=0)

        def call():
            client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": "hello"}], max_tokens=20)
        rule = {"id": "pace", "limit": 2, "unit": "requests", "window": "per day"}
        assert gateway.admin("POST", "/limits", rule)[0] == 201
        call()
        call()
        with pytest.raises(openai.APIStatusError):
            call()
        for limit in (0, 1000):
            assert gateway.admin("PATCH", "/limits/pace", {"limit": limit})[0] == 200
            if limit == 0:
                with pytest.raises(openai.APIStatusError):
                    call()
        for _ in range(5):
            call()
        weirkit.wait_until(lambda: [one["used"] for one in gateway.read("/limits/pace")["counters"]] == [7], what="seven turns")
