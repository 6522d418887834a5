"""How long budgets last, on the real binary: days of the past put into the ledger, the burn-down and the forecast that come of them, and
what is told: a budget that will not last, one that is full of reservations, models without a price, and what cannot be written."""

import datetime
import http.client
import json
import pathlib
import sqlite3
import subprocess
import tempfile
import urllib.parse

import pytest

import weirkit
from gateway import gateway_with
from raw import post
from test_alerts import Receiver

DAY = 86_400
NOW = datetime.datetime.now(datetime.timezone.utc)
# A quarter that begins this month ends in two months at the earliest, whatever day it is.
CONFIGURATION = f"""budgets:
  - {{name: short, usd: "150", window: quarter, fiscal_start_month: {NOW.month}, alerts: []}}
  - {{name: long, usd: "100000", window: quarter, fiscal_start_month: {NOW.month}, group_by: [developer], alerts: []}}
  - {{name: narrow, usd: "0.035", window: none, for: {{team: narrow}}, alerts: []}}
  - {{name: by-session, usd: "1000", window: month, group_by: [session], alerts: []}}
alerts:
  - {{name: ops, kind: webhook, url: "${{HOOK_URL}}", secret: "${{ALERT_SECRET}}"}}
"""
UNPRICED = """  - name: nobody
    kind: simulated
    base_url: {simulation}
    models: [a-model-that-nobody-lists]
    price_provider: nobody
"""
SMALL = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Once."}], "max_tokens": 50}


@pytest.fixture(scope="module")
def hook():
    made = Receiver()
    yield made
    made.shutdown()


def told(hook, kind, subject=None):
    alerts = [alert for _, body in list(hook.posts) for alert in json.loads(body)["alerts"]]
    return [one for one in alerts if one["kind"] == kind and subject in (None, one["subject"])]


@pytest.fixture(scope="module")
def gateway(hook):
    settings = CONFIGURATION.replace("${HOOK_URL}", hook.url)
    with gateway_with(settings, providers=UNPRICED, environment={"ALERT_SECRET": "s"}) as made:
        assert post(made.weir.url, "chat", made.key, SMALL).status == 200
        assert made.turns()
        made.weir.stop()
        past(made.weir.data / "ledger.db")
        made.weir.start()
        yield made


def past(path):
    """Ten dollars at noon of each of the ten days before today."""
    ledger = sqlite3.connect(path)
    labels = ledger.execute("SELECT labels FROM usage_hour").fetchone()[0]
    noon = int(NOW.timestamp()) // DAY * DAY + DAY // 2
    for number in range(1, 11):
        ledger.execute("INSERT INTO usage_hour (bucket, labels, turns, cost) VALUES (?, ?, 100, 10000000000)", (noon - number * DAY, labels))
    ledger.commit()
    ledger.close()


def test_a_budget_shows_its_days_and_when_it_will_be_used_up(gateway):
    shown = gateway.weir.json("budget", "show", "short")
    forecast = shown["forecasts"][0]
    today = NOW.date()
    in_window = [day for day in range(1, 11) if (today - datetime.timedelta(days=day)).month == today.month]
    days = {day["date"]: day for day in forecast["days"]}
    assert forecast["start"] == today.replace(day=1).isoformat() and len(days) == today.day
    for number in in_window:
        assert days[(today - datetime.timedelta(days=number)).isoformat()]["used"] == 10_000_000_000
    spent = shown["counters"][0]["used"]
    assert 10_000_000_000 * len(in_window) < spent < 10_000_000_000 * len(in_window) + 1_000_000_000
    assert days[today.isoformat()]["left"] == 150_000_000_000 - spent
    # Ten dollars a day, each day: the rest lasts as many days as it has tens, and today is a part of one.
    assert forecast["days_known"] == 10 and forecast["low"] <= forecast["expected"] <= forecast["high"]
    exhausted = datetime.date.fromisoformat(forecast["exhausted_on"])
    left = 15 - len(in_window)
    assert today + datetime.timedelta(days=left - 1) <= exhausted <= today + datetime.timedelta(days=left + 1)
    text = gateway.weir.cli("budget", "show", "short").stdout
    assert "Burn-down (UTC)" in text and f"it will be used up on {forecast['exhausted_on']} (from 10 days)" in text
    assert text.count("#" * 30) == len(in_window) or not in_window
    # A line for each day, and nothing in them that had to be taken out.
    assert [line[:10] for line in text.splitlines() if line[:10] in days] == list(days) and "\ufffd" not in text


def test_a_budget_that_lasts_says_so_for_each_counter(gateway):
    forecast = gateway.weir.json("budget", "show", "long")["forecasts"][0]
    assert forecast["group"] == ["owner"] and "exhausted_on" not in forecast and forecast["expected"] < 100_000_000_000_000
    assert "it will last" in gateway.weir.cli("budget", "show", "long").stdout


def test_a_rule_without_a_calendar_or_by_session_has_no_forecast(gateway):
    for name in ("narrow", "by-session"):
        assert "forecasts" not in gateway.weir.json("budget", "show", name)


def test_only_the_budget_that_will_not_last_is_told_of_once(gateway, hook):
    weirkit.wait_until(lambda: told(hook, "forecast"), 90, "the alert of the forecast")
    found = told(hook, "forecast")
    assert [one["subject"] for one in found] == ["short"]
    assert 'Budget "short" will probably be used up on ' in found[0]["text"] and "$150.00" in found[0]["text"]


def test_a_budget_full_of_reservations_is_told_of(gateway, hook):
    key = gateway.weir.key(developer="wide", team="narrow")
    body = {**SMALL, "max_tokens": 3000, "stream": True}
    # One turn holds most of it for as long as its client stays, and costs next to nothing.
    place = urllib.parse.urlsplit(gateway.weir.url)
    slow = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    slow.request("POST", "/v1/chat/completions", json.dumps(body), {
        "Content-Type": "application/json", "Authorization": f"Bearer {key}", "x-sim-chunks": "2000", "x-sim-pace-ms": "300"})
    answer = slow.getresponse()
    assert answer.status == 200, answer.read()
    assert any(one["reserved"] for one in gateway.weir.json("budget", "show", "narrow")["counters"])
    assert post(gateway.weir.url, "chat", key, body).status == 402
    weirkit.wait_until(lambda: told(hook, "reserved_unused", "narrow"), 90, "the alert of the reservations")
    slow.close()
    assert "turns in flight have reserved" in told(hook, "reserved_unused", "narrow")[0]["text"]


def test_a_model_without_a_price_is_told_of_once():
    receiver = Receiver()
    alerts = f'alerts:\n  - {{name: ops, kind: webhook, url: "{receiver.url}", secret: "${{ALERT_SECRET}}"}}\n'
    with gateway_with(alerts, providers=UNPRICED, environment={"ALERT_SECRET": "s"}) as gateway:
        for _ in range(3):
            assert post(gateway.weir.url, "chat", gateway.key, {**SMALL, "model": "a-model-that-nobody-lists"}).status == 200
        weirkit.wait_until(lambda: told(receiver, "unpriced_model"), 60, "the alert of the price")
        assert [one["subject"] for one in told(receiver, "unpriced_model")] == ["nobody/a-model-that-nobody-lists"]
    receiver.shutdown()


def test_a_ledger_that_cannot_be_written_is_told_of_and_turns_go_on():
    receiver = Receiver()
    alerts = f'alerts:\n  - {{name: ops, kind: webhook, url: "{receiver.url}", secret: "${{ALERT_SECRET}}"}}\n'
    with gateway_with(alerts, environment={"ALERT_SECRET": "s"}) as gateway:
        other = sqlite3.connect(gateway.weir.data / "ledger.db", timeout=60, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert post(gateway.weir.url, "chat", gateway.key, SMALL).status == 200
        weirkit.wait_until(lambda: told(receiver, "ledger_failing"), 90, "the alert of the ledger")
        assert post(gateway.weir.url, "chat", gateway.key, SMALL).status == 200
        other.execute("ROLLBACK")
        weirkit.wait_until(lambda: len(gateway.turns()) == 2, 60, "the ledger to catch up")
    receiver.shutdown()


def test_a_journal_that_cannot_be_written_is_told_of():
    receiver = Receiver()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-shim-"))
    source = pathlib.Path(__file__).resolve().parents[1] / "durability" / "shim.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(folder / "shim.so"), str(source), "-ldl"], check=True)
    trigger = folder / "fails"
    alerts = f'alerts:\n  - {{name: ops, kind: webhook, url: "{receiver.url}", secret: "${{ALERT_SECRET}}"}}\n'
    with gateway_with(alerts, environment={"ALERT_SECRET": "s"}) as gateway:
        gateway.weir.stop()
        gateway.weir.start({"LD_PRELOAD": str(folder / "shim.so"), "WEIR_SHIM": str(trigger)})
        assert post(gateway.weir.url, "chat", gateway.key, SMALL).status == 200
        trigger.write_text("sync")
        weirkit.wait_until(lambda: post(gateway.weir.url, "chat", gateway.key, SMALL).status == 503, 60, "the disk to be missed")
        weirkit.wait_until(lambda: told(receiver, "journal_failing"), 60, "the alert of the journal")
        assert "no turn is admitted" in told(receiver, "journal_failing")[0]["text"]
    receiver.shutdown()
