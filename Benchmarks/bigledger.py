"""bigledger: fills a ledger that Weir has made with ten million turns of four hundred developers, through Weir's own tables, with
rollups that add up. A tool of the scale benchmark; a running Weir never sees it."""

import contextlib
import datetime
import random
import re
import sqlite3

DEVELOPERS, TEAMS, REPOSITORIES, DAYS = 400, 20, 300, 125
MODELS = [("openai", "gpt-5.2"), ("openai", "gpt-5-mini"), ("openai", "gpt-5.2-codex"), ("anthropic", "claude-sonnet-4-5"),
          ("anthropic", "claude-opus-4-5"), ("anthropic", "claude-haiku-4-5"), ("inhouse", "qwen3-coder"), ("azure", "gpt-5.2")]
AGENTS = ["build", "explore", "plan"]
CLIENTS = ["opencode", "claude-code", "codex"]
MEASURES = ["turns", "errors", "unpriced", "estimated", "input", "cache_read", "cache_write_5m", "cache_write_30m",
            "cache_write_1h", "cache_write_12h", "cache_write_unknown", "tool_prompt", "output", "reasoning", "web_searches",
            "tool_calls", "cost", "duration_us"]
LABELS = ["key_id", "workspace", "team", "owner", "repository", "branch", "agent", "client", "model", "deployment"]
HOUR_NS = 3_600_000_000_000


class Session:
    """One sitting of a developer in a repository."""

    def __init__(self, number, developer, week, rng):
        self.number, self.developer = number, developer
        self.repository = f"github.com/acme/service-{(developer * 7 + rng.choice([0, 0, 0, 101, 202])) % REPOSITORIES:03d}"
        self.branch = "main" if rng.random() < 0.2 else f"feature/{developer}-{week}"
        self.client = CLIENTS[developer % 3]
        self.first = self.last = 0
        self.sums = [0] * len(MEASURES)


class Filler:
    """Writes hour by hour, so that the ledger grows as a real one does."""

    def __init__(self, path, turns, seed=1):
        self.database = sqlite3.connect(path, isolation_level=None)
        for pragma in ["journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"]:
            self.database.execute(f"PRAGMA {pragma}")
        self.rng = random.Random(seed)
        self.wanted, self.turns = turns, 0
        self.labels, self.unbranched, self.sessions = {}, {}, self._next("session")
        self.next_label = self._next("label_set")
        self.month_ddl = [(sql, re.search(r"turn_(\d{4}_\d\d)", sql).group(1)) for sql, in self.database.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name GLOB 'turn_[0-9]*' ORDER BY type DESC")]
        self.days, self.months, self.made_months = {}, {}, {ddl[1] for ddl in self.month_ddl}
        self.late_indexes = []

    def _next(self, table):
        return (self.database.execute(f"SELECT MAX(id) FROM {table}").fetchone()[0] or 0) + 1

    def _label(self, developer, session, agent, provider, model):
        texts = (f"kscale{developer:04d}", "default", f"team-{developer % TEAMS:02d}", f"developer-{developer:03d}",
                 session.repository, session.branch, agent, session.client, model, f"{provider}/{model}")
        label = self._number(texts)
        self.unbranched[label] = self._number((*texts[:5], "", *texts[6:]))
        return label, texts

    def _number(self, texts):
        if texts not in self.labels:
            self.labels[texts] = self.next_label
            self.next_label += 1
        return self.labels[texts]

    def _make_month(self, month):
        if month in self.made_months:
            return
        self.made_months.add(month)
        for sql, other in self.month_ddl:
            sql = sql.replace(other, month)
            # Indexes come last: they are sorted at once and not row by row.
            if sql.startswith("CREATE TABLE"):
                self.database.execute(sql)
            else:
                self.late_indexes.append(sql)
        self.database.execute("INSERT INTO turn_month VALUES (?)", [month])

    def fill(self, end):
        """All days up to `end`, midnight UTC."""
        days = [end - datetime.timedelta(days=DAYS - number) for number in range(DAYS)]
        weight = {day: 0.9 if day.weekday() < 5 else 0.15 for day in days}
        left = sum(weight.values())
        for day in days:
            self.database.execute("BEGIN")
            self._fill_day(day, weight[day], round((self.wanted - self.turns) * weight[day] / left))
            left -= weight[day]
            self.database.execute("COMMIT")
            yield day, self.turns
        self._finish()

    def _fill_day(self, day, share, turns):
        midnight = int(day.timestamp())
        month = day.strftime("%Y_%m")
        self._make_month(month)
        active = [developer for developer in range(DEVELOPERS) if self.rng.random() < share]
        open_sessions, hours, ended = {}, range(8, 16), []
        per_hour = turns // len(hours)
        for hour in hours:
            start = midnight + hour * 3600
            cells = []
            for developer in active:
                if developer not in open_sessions or self.rng.random() < 0.5:
                    if developer in open_sessions:
                        ended.append(open_sessions[developer])
                    open_sessions[developer] = Session(self.sessions, developer, day.isocalendar()[1], self.rng)
                    self.sessions += 1
                # An agent keeps to its model, mostly.
                for place in self.rng.sample(range(len(AGENTS)), 2):
                    model = MODELS[(developer + place) % len(MODELS)] if self.rng.random() < 0.9 else self.rng.choice(MODELS)
                    cells.append((developer, open_sessions[developer], AGENTS[place], *model))
            self._fill_hour(month, start, cells, per_hour if hour < 15 else turns - 7 * per_hour)
        self._write_sums("usage_day", "bucket", {(midnight, label): sums for label, sums in self.days.items()})
        first = int(day.replace(day=1).timestamp())
        for label, sums in self.days.items():
            add(self.months.setdefault((first, label), [0] * len(MEASURES)), sums)
        self.days = {}
        self._write_sessions(ended + list(open_sessions.values()))

    def _fill_hour(self, month, start, cells, turns):
        rows, cell_sums = [], {}
        base, remainder = divmod(turns, len(cells))
        for index, (developer, session, agent, provider, model) in enumerate(cells):
            label, texts = self._label(developer, session, agent, provider, model)
            count = base + (index < remainder)
            if count == 0:
                continue
            rng = self.rng
            usage = [rng.randrange(100, 4000), rng.randrange(5000, 90000), rng.randrange(0, 3000), rng.randrange(50, 1500)]
            cost = usage[0] * 1250 + usage[1] * 125 + usage[2] * 1560 + usage[3] * 10000
            sums = [count, 0, 0, 0, usage[0] * count, usage[1] * count, usage[2] * count, 0, 0, 0, 0, 0, usage[3] * count, 0, 0,
                    count, cost * count, 4_000_000 * count]
            cell_sums[(session.number, start, label)] = sums
            add(session.sums, sums)
            head = (f'"key":"{texts[0]}","ws":"default","team":"{texts[2]}","dev":"{texts[3]}","session":["ses_{session.number:08d}",'
                    f'"agent"],"agent":["{agent}","agent"],"repo":["{texts[4]}","agent"],"branch":["{texts[5]}","agent"],'
                    f'"client":"{texts[7]}","endpoint":"chat_completions","stream":true,"asked":"{model}","provider":"{provider}",'
                    f'"model":"{model}","served":"{model}","price":"scale","tries":[{{"deployment":"{texts[9]}","status":200,"us":41230}}],'
                    f'"usage":[{usage[0]},{usage[1]},{usage[2]},0,0,0,0,0,{usage[3]},0,0,0,0,0,0,0],"usage_source":"provider",'
                    f'"reserved":{cost * 4},"cost":{cost},"flags":0,"status":200,"finish":"tool_calls","tools":1,')
            times = sorted(rng.randrange(3_590_000) for _ in range(count))
            if not session.first:
                session.first = start * 10**9 + times[0] * 10**6
            session.last = start * 10**9 + times[-1] * 10**6 + 4 * 10**9
            rows += [(time, index, label, session.number, head, cost) for time in times]
        rows.sort(key=lambda row: row[:2])
        self.database.executemany(f"INSERT INTO turn_{month} VALUES (?,?,?,?,200,0,?,?)", self._turns(start, rows))
        self.turns += len(rows)
        hours = {}
        for (_, bucket, label), sums in cell_sums.items():
            add(hours.setdefault((bucket, label), [0] * len(MEASURES)), sums)
            add(self.days.setdefault(label, [0] * len(MEASURES)), sums)
        self._write_sums("usage_hour", "bucket", hours)
        places = ",".join("?" * (3 + len(MEASURES)))
        self.database.executemany(
            f"INSERT INTO usage_session (session_id, bucket, labels, {','.join(MEASURES)}) VALUES ({places})",
            ((*key, *sums) for key, sums in cell_sums.items()))

    def _turns(self, start, rows):
        for number, (time, _, label, session, head, cost) in enumerate(rows):
            received = (start * 1000 + time) * 10**6
            text = f"{start * 1000 + time:012x}"
            identifier = f"{text[:8]}-{text[8:]}-7{number >> 8 & 4095:03x}-8{number & 255:03x}-{session & 0xffffffffffff:012x}"
            yield (identifier, label, session, received, cost,
                   f'{{"v":1,"kind":"turn.settled","id":"{identifier}",{head}"received":{received},"sent":{received + 90000},'
                   f'"first":{received + 700000000},"last":{received + 4000000000},"overhead":90,"bytes_in":48211,"bytes_out":9120}}')

    def _write_sums(self, table, key, cells):
        places = ",".join("?" * (2 + len(MEASURES)))
        self.database.executemany(
            f"INSERT INTO {table} ({key}, labels, {','.join(MEASURES)}) VALUES ({places})",
            ((*cell, *sums) for cell, sums in cells.items()))

    def _write_sessions(self, sessions):
        places = ",".join("?" * (14 + len(MEASURES)))
        self.database.executemany(
            "INSERT INTO session (id, key_id, name, source, workspace, team, owner, repository, branch, agent, client, first_ns,"
            f" last_ns, sub_agents, {','.join(MEASURES)}) VALUES ({places})",
            ((one.number, f"kscale{one.developer:04d}", f"ses_{one.number:08d}", "agent", "default",
              f"team-{one.developer % TEAMS:02d}", f"developer-{one.developer:03d}", one.repository, one.branch, "build",
              one.client, one.first, one.last, "", *one.sums) for one in sessions if one.sums[0]))

    def _finish(self):
        self.database.execute("BEGIN")
        self._write_sums("usage_month", "bucket", self.months)
        short = {}
        for (bucket, label), sums in self.months.items():
            add(short.setdefault((bucket, self.unbranched[label]), [0] * len(MEASURES)), sums)
        self._write_sums("usage_month_unbranched", "bucket", short)
        self.database.executemany(
            f"INSERT INTO label_set (id, {','.join(LABELS)}) VALUES ({','.join('?' * 11)})",
            ((number, *texts) for texts, number in self.labels.items()))
        for sql in self.late_indexes:
            self.database.execute(sql)
        self.database.execute("COMMIT")
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.close()


def add(sums, more):
    for index, value in enumerate(more):
        sums[index] += value


def fill(path, turns, end, tell=lambda text: None):
    """Fills the ledger at `path`; the server must be down."""
    filler = Filler(path, turns)
    for day, done in filler.fill(end):
        if day.day in (1, 15):
            tell(f"{day:%Y-%m-%d}: {done:,} turns")
    return filler


def counts(path):
    """Rows of each table."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return {table: database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
                for table in ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session", "label_set"]}
