"""Books: the provider's own account held against Weir's. Everything is read from files and from the command line's documents and
computed again here, with none of Weir's code."""

import contextlib
import json
import sqlite3

from traffic import CLAUDE, GPT

#: nano-USD per million tokens: figures that leave a remainder nearly always.
PRICES = {
    GPT: {"input": 1_370_000_003, "cache_read": 137_000_007, "output": 9_910_000_011},
    CLAUDE: {"input": 3_190_000_009, "cache_read": 319_000_001, "cache_write_5m": 3_987_500_013, "cache_write_1h": 6_380_000_017,
             "output": 15_730_000_019},
}

FLAGS = {"estimated": 1, "unpriced": 2, "cancelled": 16, "recovered": 128}
CLASSES = ["input", "cache_read", "cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h",
           "cache_write_unknown", "tool_prompt", "output", "reasoning"]


def price_lines():
    """`prices:` of the configuration."""
    lines = ["prices:"]
    for model, meters in PRICES.items():
        lines += [f"  - provider: {'anthropic' if model == CLAUDE else 'openai'}", f"    model: {model}"]
        lines += [f"    {meter}: \"{price // 10**9}.{price % 10**9:09d}\"" for meter, price in meters.items()]
    return "\n".join(lines)


def disjoint(usage):
    """A served line's usage, in classes that do not overlap."""
    if "prompt_tokens" in usage:
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return {"input": usage["prompt_tokens"] - cached, "cache_read": cached, "output": usage["completion_tokens"]}
    if "cache_creation" in usage:
        created = usage["cache_creation"]
        return {"input": usage["input_tokens"], "cache_read": usage["cache_read_input_tokens"],
                "cache_write_5m": created["ephemeral_5m_input_tokens"],
                "cache_write_1h": created["ephemeral_1h_input_tokens"], "output": usage["output_tokens"]}
    cached = usage["input_tokens_details"]["cached_tokens"]
    return {"input": usage["input_tokens"] - cached, "cache_read": cached, "output": usage["output_tokens"]}


def cost_of(model, classes):
    """One rounding per turn, up."""
    return -(-sum(PRICES[model][name] * count for name, count in classes.items()) // 1_000_000)


def served(path):
    """The provider's account by request id; a request that it served twice is there twice."""
    account = {}
    for line in open(path):
        if line.endswith("}\n"):
            entry = json.loads(line)
            account.setdefault(entry["request_id"], []).append(entry)
    return account


def turns(ledger):
    """Every turn row of a ledger, as its record; the server must be down."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        months = [month for month, in database.execute("SELECT month FROM turn_month")]
        return [json.loads(record) for month in months for record, in database.execute(f"SELECT record FROM turn_{month}")]


def journal(weir):
    """Every record of the journal, in order."""
    return [json.loads(line) for line in weir.cli("journal", "inspect", "--data", weir.data).stdout.splitlines()]


class Checks:
    """Named checks; each failure keeps what was found."""

    def __init__(self):
        self.results = []

    def check(self, name, violations):
        violations = list(violations) if not isinstance(violations, bool) else ([] if violations else ["no"])
        self.results.append((name, violations))

    @property
    def failed(self):
        return sum(1 for _, violations in self.results if violations)

    def print(self):
        for name, violations in self.results:
            print(f"  {'ok' if not violations else 'FAIL':<5} {name}" + (f": {len(violations)}" if violations else ""))
            for violation in violations[:5]:
                print(f"          {violation}")


def compare(weir, simulation_log, outcomes, checks):
    """Holds everything against everything. Gives counts for the summary."""
    account, rows, records = served(simulation_log), turns(weir.data / "ledger.db"), journal(weir)
    report = weir.json("report", "spend", "--by", "model")
    ids = [row["id"] for row in rows]
    by_id = {row["id"]: row for row in rows}
    settled_rows = [row for row in rows if row["kind"] == "turn.settled"]
    recovered = [row for row in settled_rows if row["flags"] & FLAGS["recovered"]]

    checks.check("served requests missing from the ledger", [one for one in account if one not in by_id])
    checks.check("turns in the ledger twice", [] if len(ids) == len(by_id) else [len(ids) - len(by_id)])
    checks.check("turns of the report are the turns of the ledger", report["total"]["turns"] == len(settled_rows))
    checks.check("cost of the report is the cost of the turns",
                 report["total"]["cost_nano_usd"] == sum(row["cost"] for row in settled_rows))
    checks.check("every rollup adds up to the turns", wrong_rollups(weir.data / "ledger.db", settled_rows))

    settlements = {}
    for record in records:
        if record["kind"] == "turn.settled":
            settlements[record["id"]] = settlements.get(record["id"], 0) + 1
    reserved = {record["id"] for record in records if record["kind"] == "turn.reserved"}
    checks.check("turns settled other than once", [one for one in reserved if settlements.get(one) != 1])
    checks.check("turns settled without a reservation", [one for one in settlements if one not in reserved])
    checks.check("gaps in a boot's sequence numbers", gaps(records))

    checks.check("served turns that recovery called void", [
        row["id"] for row in recovered if row.get("error") == "void_after_crash" and row["id"] in account])
    checks.check("recovered turns that are not flagged, or not settled at their bound", [
        row["id"] for row in recovered if row.get("error") == "crashed"
        and (not row["flags"] & FLAGS["estimated"] or row["cost"] != row["reserved"])])
    checks.check("bounds below the true cost", [
        one for one, entries in account.items() if one in by_id
        and by_id[one]["reserved"] < cost_of(entries[0]["model"], disjoint(entries[0]["usage"]))])
    checks.check("wrong usage or cost of a completed turn", wrong_costs(settled_rows, account))

    complete = [outcome for outcome in outcomes if outcome.complete and outcome.status == 200]
    checks.check("answers that arrived whole and are not settled from the provider's usage", [
        outcome.request_id for outcome in complete
        if by_id.get(outcome.request_id, {}).get("usage_source") != "provider"])
    checks.check("costs told to a caller that the ledger does not have", [
        outcome.request_id for outcome in complete
        if outcome.cost is not None and by_id.get(outcome.request_id, {}).get("cost") != outcome.cost])
    return {"served": len(account), "served twice": sum(len(entries) > 1 for entries in account.values()),
            "turns": len(settled_rows), "recovered": len(recovered), "whole answers": len(complete),
            "journal records": len(records)}


def gaps(records):
    found, last = [], {}
    for record in records:
        if record["seq"] != last.get(record["boot"], 0) + 1:
            found.append(f"{record['boot']}: {last.get(record['boot'], 0)} then {record['seq']}")
        last[record["boot"]] = record["seq"]
    return found


def wrong_costs(rows, account):
    for row in rows:
        if row.get("error") or row["usage_source"] != "provider":
            continue
        entry = account.get(row["id"], [None])[-1]
        if entry is None:
            yield f"{row['id']} is in the ledger and was never served"
            continue
        classes = disjoint(entry["usage"])
        found = {name: count for name, count in zip(CLASSES, row.get("usage", [])) if count and name != "reasoning"}
        if found != {name: count for name, count in classes.items() if count}:
            yield f"{row['id']}: usage {found}, served {classes}"
        elif row["cost"] != cost_of(row["model"], classes):
            yield f"{row['id']}: cost {row['cost']}, computed {cost_of(row['model'], classes)}"


def wrong_rollups(ledger, rows):
    wanted = (len(rows), sum(row["cost"] for row in rows), sum(row.get("usage", [0] * 9)[8] for row in rows))
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        for table in ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session"]:
            found = database.execute(f"SELECT SUM(turns), SUM(cost), SUM(output) FROM {table}").fetchone()
            if found != wanted:
                yield f"{table}: {found}, the turns: {wanted}"


#: In nano-USD: for everybody together, for each repository, for each session.
BUDGETS = {
    "everyone": (12 * 10**8, []), "each-repository": (4 * 10**8, ["repository"]), "each-session": (6 * 10**7, ["session"]),
}


def budget_lines(mode):
    """`budgets:` of the configuration. An elastic answer is let end, so its whole rest is in the printed bound."""
    more = "" if mode == "strict" else ", when_used_up: finish_turn"
    lines = ["budgets:"]
    for name, (amount, group) in BUDGETS.items():
        lines.append(f"  - {{name: {name}, usd: \"{amount // 10**9}.{amount % 10**9:09d}\", window: none, mode: {mode}, "
                     f"group_by: [{', '.join(group)}]{more}}}")
    return "\n".join(lines) + "\n"


def counters(weir):
    """What each budget says that was used, by group."""
    return {name: weir.json("budget", "show", name)["counters"] for name in BUDGETS}


def compare_grants(records, rows, account, checks):
    """Holds what a crash posted against what the journal says was granted by then."""
    granted = {}
    for record in records:
        if record["kind"] == "turn.reserved" or record["kind"] == "turn.progress" and "reserved" in record:
            granted[record["id"]] = record["reserved"]
    crashed = [row for row in rows.values() if row.get("error") == "crashed" and not row.get("tries")]
    checks.check("crashed turns that are posted at another amount than was granted last", [
        f"{row['id']}: {row['cost']} posted, {granted.get(row['id'])} granted" for row in crashed if row["cost"] != granted.get(row["id"])])
    checks.check("crashed turns that cost the provider more than was granted", [
        row["id"] for row in crashed for entry in account.get(row["id"], [])
        if row["cost"] < cost_of(entry["model"], disjoint(entry["usage"]))])


def compare_budgets(weir, simulation_log, shown, mode, callers, checks):
    """Holds what the provider served against the budgets, and their counters against the ledger."""
    account = served(simulation_log)
    rows = {row["id"]: row for row in turns(weir.data / "ledger.db")}
    settled = [row for row in rows.values() if row["kind"] == "turn.settled"]

    def group_of(row, group):
        label = {"repository": "repo", "session": "session"}
        values = [row.get(label[name], [""])[0] for name in group]
        return tuple(values + [row["key"]] if "session" in group else values)

    for name, (amount, group) in BUDGETS.items():
        true, posted, bound = {}, {}, {}
        for one, entries in account.items():
            place = group_of(rows[one], group)
            true[place] = true.get(place, 0) + sum(cost_of(entry["model"], disjoint(entry["usage"])) for entry in entries)
        for row in settled:
            place = group_of(row, group)
            posted[place] = posted.get(place, 0) + row["cost"]
            bound[place] = max(bound.get(place, 0), row["reserved"])
        # An elastic budget is passed at most by what the turns in flight may still use.
        over = {place: callers * bound[place] if mode == "elastic" else 0 for place in bound}
        checks.check(f"{name}: spent more by the provider's account than the budget" + (" and its bound" if mode == "elastic" else ""), [
            f"{place}: {cost} of {amount}" for place, cost in true.items() if cost > amount + over.get(place, 0)])
        found = {tuple(counter["group"]): counter["used"] for counter in shown[name]}
        # `budget show` lists a thousand counters.
        wrong = [f"{place}: {found.get(place)} shown, {posted[place]} in the ledger" for place in posted
                 if found.get(place) != posted[place] and (place in found or len(found) < 1000)]
        checks.check(f"{name}: counters that are not what the ledger holds", wrong)
        checks.check(f"{name}: something is still reserved", [counter for counter in shown[name] if counter["reserved"]])
    if mode == "elastic":
        compare_grants(journal(weir), rows, account, checks)
    refused = sum(row["kind"] == "turn.refused" and row.get("error") == "budget_exceeded" for row in rows.values())
    checks.check("the budgets refused something", refused > 0)
    checks.check("and let something through", len(account) > 50)
    return {"refused by budgets": refused, "spent by the provider": sum(
        cost_of(entry["model"], disjoint(entry["usage"])) for entries in account.values() for entry in entries)}
