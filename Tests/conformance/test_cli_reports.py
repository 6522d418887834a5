"""Reports, sessions, turns and the tail by the command line: every figure is held against the ledger's own turns."""

import collections
import concurrent.futures
import csv
import io
import json
import re
import time

import pytest

import raw
import weirkit
from clients import CHAT, MESSAGES, call

DIMENSIONS = ("developer", "team", "repository", "branch", "session", "agent", "client", "model", "deployment", "key", "hour",
              "day", "month")


@pytest.fixture(scope="module")
def worked(gateway):
    """A gateway after some work of two people; the turns of its ledger."""
    people = {"ada": gateway.weir.key(developer="ada", team="core"), "ben": gateway.weir.key(developer="ben", team="web")}
    for number in range(12):
        who = ("ada", "ben")[number % 2]
        headers = {"x-weir-session": f"s-{number % 5}", "x-weir-agent": ("build", "plan")[number % 3 // 2],
                   "x-sim-input-tokens": str(1000 + number), "x-sim-output-tokens": str(100 + number)}
        if number % 4:
            headers.update({"x-weir-repo": f"github.com/acme/shop-{number % 3}", "x-weir-branch": "main"})
        if number == 7:
            headers["x-sim-fault"] = "status:400"
        try:
            call(gateway, (CHAT, MESSAGES)[number % 3 % 2], key=people[who], headers=headers)
        except Exception:
            assert number == 7
    return gateway.turns(limit=500)


def label(turn, dimension):
    def value(name):
        return (turn.get(name) or {}).get("value", "")
    length = {"hour": 13, "day": 10, "month": 7}.get(dimension)
    if length:
        return turn["time"][:length]
    if dimension in ("repository", "branch", "session", "agent"):
        return value(dimension)
    return turn[{"model": "model_asked", "key": "key_id"}.get(dimension, dimension)]


def sums(turns, dimensions):
    """What a report over these turns has to say."""
    groups = collections.defaultdict(lambda: [0, 0, 0, 0])
    for turn in turns:
        usage = turn["usage"]
        row = groups[tuple(label(turn, dimension) for dimension in dimensions)]
        for place, amount in enumerate((1, usage["input"], usage["output"], turn["cost_nano_usd"])):
            row[place] += amount
    return {labels: tuple(row) for labels, row in groups.items()}


def reported(document):
    return {tuple(row["labels"]): (row["turns"], row["input_tokens"], row["output_tokens"], row["cost_nano_usd"])
            for row in document["rows"]}


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_spend_by_one_dimension(gateway, worked, dimension):
    document = gateway.weir.json("report", "spend", "--by", dimension)
    assert document["schema"] == "weir.report.spend/1" and document["by"] == [dimension]
    assert reported(document) == sums(worked, [dimension])
    assert document["total"]["cost_nano_usd"] == sum(turn["cost_nano_usd"] for turn in worked) > 0
    assert document["total"]["errors"] == 1


@pytest.mark.parametrize("dimensions", ["repository,model", "developer,day", "team,agent,client", "session,model"])
def test_spend_by_several_dimensions(gateway, worked, dimensions):
    document = gateway.weir.json("report", "spend", "--by", dimensions)
    assert reported(document) == sums(worked, dimensions.split(","))


def test_csv_holds_exact_figures_under_the_names_of_the_json(gateway, worked):
    text = gateway.weir.cli("report", "spend", "--by", "repository", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    got = {(row["repository"],): tuple(int(row[name]) for name in ("turns", "input_tokens", "output_tokens", "cost_nano_usd"))
           for row in rows if row["repository"] != "TOTAL"}
    assert got == sums(worked, ["repository"]) and "\x1b" not in text


def test_a_table_is_for_people(gateway, worked):
    text = gateway.weir.cli("report", "spend", "--by", "repository").stdout
    lines = text.splitlines()
    assert lines[0].startswith("Spend (UTC), as of ") and lines[1].split()[:2] == ["REPOSITORY", "TURNS"]
    assert any(line.startswith("(unattributed)") for line in lines)
    assert any(line.startswith("TOTAL") and "$" in line for line in lines)
    assert "\x1b" not in text
    assert "\x1b[1m" in gateway.weir.cli("report", "spend", "--color", "always").stdout
    narrow = gateway.weir.cli("report", "spend", "--by", "repository", environment={"COLUMNS": "40"}).stdout
    assert all(len(line) <= 40 for line in narrow.splitlines()[1:]) and "COST" in narrow


def test_filters_and_ranges(gateway, worked):
    def total(*arguments):
        return gateway.weir.json("report", "spend", *arguments)["total"]["turns"]
    mine = [turn for turn in worked if turn["developer"] == "ada"]
    assert total("--developer", "ada") == len(mine)
    assert total("--team", "web") == len(worked) - len(mine)
    assert total("--key", mine[0]["key_id"]) == len(mine)
    assert total("--model", "gpt-5.4-mini") == len([turn for turn in worked if turn["model_asked"] == "gpt-5.4-mini"])
    assert total("--repository", "github.com/acme/shop-1") == sums(worked, ["repository"])[("github.com/acme/shop-1",)][0]
    assert total("--since", "1h") == total("--since", worked[0]["time"][:10]) == len(worked)
    assert total("--until", worked[0]["time"][:10]) == total("--since", "2030-01") == 0


@pytest.mark.parametrize("arguments,code,words", [
    (("--by", "planet"), 1, "one to three of"), (("--by", "team,team"), 1, "cannot report by"),
    (("--by", "team,model,key,day"), 1, "one to three"), (("--since", "2026-13-01"), 2, "--since takes a day"),
    (("--format", "xml"), 2, "table"), (("--no-such-flag",), 2, "--no-such-flag")])
def test_what_cannot_be_reported(gateway, worked, arguments, code, words):
    done = gateway.weir.cli("report", "spend", *arguments, check=False)
    assert (done.returncode, done.stdout) == (code, "") and words in done.stderr


def test_sessions_are_listed_and_shown(gateway, worked):
    listed = gateway.weir.json("session", "list")
    assert listed["schema"] == "weir.session.list/1"
    by_session = sums(worked, ["session"])
    assert sum(row["turns"] for row in listed["sessions"]) == len(worked)
    for row in listed["sessions"]:
        detail = gateway.weir.json("session", "show", row["session"])
        assert sum(one["turns"] for one in detail["sessions"]) == by_session[(row["session"],)][0]
        assert sum(one["cost_nano_usd"] for one in detail["sessions"]) == by_session[(row["session"],)][3]
        times = [turn["time"] for turn in detail["turns"]]
        assert times == sorted(times) and len(times) == by_session[(row["session"],)][0]
    text = gateway.weir.cli("session", "show", "s-1").stdout
    assert "cost $" in text and "turns" in text
    assert gateway.weir.cli("session", "show", "nope", check=False).returncode == 1


def test_pages_of_sessions_and_turns_meet_without_gap_or_overlap(gateway, worked):
    for verb, rows, name in (("session", "sessions", "session"), ("turn", "data", "request_id")):
        whole = [(row[name], row["key_id"]) for row in gateway.weir.json(verb, "list", "--limit", "500")[rows]]
        paged, after = [], []
        while True:
            page = gateway.weir.json(verb, "list", "--limit", "4", *after)
            paged += [(row[name], row["key_id"]) for row in page[rows]]
            if not page.get("next"):
                break
            after = ["--after", page["next"]]
        assert paged == whole and len(whole) > 4


def test_a_turn_is_shown_whole(gateway, worked):
    turn = worked[0]
    assert gateway.weir.json("turn", "show", turn["request_id"]) == {**turn, "schema": "weir.turn/1"}
    text = gateway.weir.cli("turn", "show", turn["request_id"]).stdout
    for word in (turn["request_id"], turn["deployment"], "ada" if turn["developer"] == "ada" else "ben", "weir_header"):
        assert word in text
    done = gateway.weir.cli("turn", "show", "0197-nonsense", check=False)
    assert done.returncode == 1 and "weir turn list" in done.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_tail_shows_a_turn_as_it_ends(gateway, worked, form):
    tail = weirkit.Process([weirkit.binary(), "tail", "--data", str(gateway.weir.data), "--format", form])
    try:
        def call_until_seen():
            call(gateway, CHAT, headers={"x-weir-session": "tailed", "x-weir-repo": f"github.com/acme/tail-{form}"})
            return f"tail-{form}" in tail.text
        weirkit.wait_until(call_until_seen, what="a line of the tail")
        line = tail.wait_for_line(f"tail-{form}").string.strip()
        if form == "json":
            assert json.loads(line)["repository"]["value"] == "github.com/acme/tail-json"
        else:
            assert re.match(r"\d\d:\d\d:\d\d 200 owner tail-table simulated/gpt-5.4-mini \d+/\d+ \$", line)
        assert tail.child.poll() is None
    finally:
        tail.kill()


def test_the_journal_can_be_read_without_the_server(gateway, worked):
    counts = json.loads(gateway.weir.cli("journal", "inspect", "--count").stdout)
    assert counts["turn.settled"] >= len(worked) and counts["turn.reserved"] >= len(worked)
    lines = gateway.weir.cli("journal", "inspect").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    # Where a connection was at hand, the reservation says itself that the request was sent.
    at_once = sum(record["kind"] == "turn.reserved" and "sent" in record for record in records)
    assert at_once > 0 and at_once + counts["turn.sent"] == counts["turn.reserved"]
    numbers = [record["seq"] for record in records]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert gateway.key.split("_")[3] not in "".join(lines)


def test_a_report_shows_what_was_just_done(gateway, worked):
    started = time.monotonic()
    for number in range(5):
        call(gateway, CHAT, headers={"x-weir-session": "fresh"})
        assert gateway.weir.json("session", "show", "fresh")["sessions"][0]["turns"] == number + 1
    assert time.monotonic() - started < 20


def test_a_session_of_more_turns_than_a_page_is_shown_whole(gateway, worked):
    """The command line, its CSV and the API gave the oldest thousand turns and did not say that there were more."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        body = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "hello"}]}
        answers = pool.map(
            lambda _: raw.post(gateway.weir.url, "chat", gateway.key, body, x_weir_session="long").status, range(1010))
        assert set(answers) == {200}
    shown = gateway.weir.json("session", "show", "long")
    ids = [turn["request_id"] for turn in shown["turns"]]
    assert len(set(ids)) == len(ids) == shown["sessions"][0]["turns"] == 1010 and "next" not in shown
    text = gateway.weir.cli("session", "show", "long", "--format", "csv").stdout
    assert [row["request_id"] for row in csv.DictReader(io.StringIO(text))] == ids
    pages, after = [], {}
    while not pages or after:
        page = gateway.read("/sessions/long", limit=300, **after)
        pages += [turn["request_id"] for turn in page["turns"]]
        after = {"after": page["next"]} if page.get("next") else {}
    assert sorted(pages) == sorted(ids)
