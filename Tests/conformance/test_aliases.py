"""Aliases and gaps: a project or a session is named once, forwards and backwards; what has no labels is reported with its mend."""

import pathlib

import pytest

import weirkit
from clients import CHAT, call
from gateway import Gateway

PROJECT = "4b0ea68d7af9a6031a7ffda7ad66e0cb83315750"
SHOP = "github.com/acme/shop"


@pytest.fixture
def opencode():
    """A gateway of its own, and a way to call it as OpenCode does."""
    with weirkit.running() as (weir, simulation):
        yield Gateway(weir, simulation)


def ask(gateway, session, project=PROJECT, **headers):
    fields = {"user-agent": "opencode/1.2.3", "x-opencode-session-id": session, "x-session-id": session}
    if project:
        fields["x-opencode-project"] = project
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    call(gateway, CHAT, headers=fields)


def repositories(gateway):
    """Repository and source of each session's turns, oldest first."""
    found = {}
    for turn in reversed(gateway.turns(limit=500)):
        label = turn.get("repository") or {}
        found.setdefault(turn["session"]["value"], []).append((label.get("value"), label.get("source")))
    return found


def spend(gateway):
    document = gateway.weir.json("report", "spend", "--by", "repository")
    return {row["labels"][0]: (row["turns"], row["cost_nano_usd"]) for row in document["rows"]}, document["total"]


def rebuilt(gateway):
    """The ledger made again from the journal."""
    gateway.weir.stop()
    for file in pathlib.Path(gateway.weir.data).glob("ledger.db*"):
        file.unlink()
    gateway.weir.start()
    weirkit.wait_until(lambda: gateway.admin("GET", "/repository-aliases")[0] == 200, what="the admin API")


def test_a_project_is_named_forwards_and_backwards_and_stays_so(opencode):
    for session in ("ses_a", "ses_b", "ses_a"):
        ask(opencode, session)
    ask(opencode, "ses_b", x_weir_repo="github.com/acme/own")
    ask(opencode, "ses_c", project="other")
    listed = opencode.weir.json("repository", "list")
    unnamed = {one["name"]: one for one in listed["unnamed"]}
    assert unnamed[PROJECT]["turns"] == 3 and unnamed[PROJECT]["sessions"] == 2 and set(unnamed) == {PROJECT, "other"}
    line = [one for one in opencode.weir.cli("repository", "list").stdout.splitlines() if PROJECT in one][0]
    assert f"weir repository alias {PROJECT} NAME" in line
    _, total = spend(opencode)

    opencode.weir.cli("repository", "alias", PROJECT, "git@github.com:acme/shop.git")
    expected = {"ses_a": [(SHOP, "alias")] * 2, "ses_b": [(SHOP, "alias"), ("github.com/acme/own", "weir_header")],
                "ses_c": [(None, None)]}
    assert repositories(opencode) == expected
    rows, after = spend(opencode)
    assert after == total and rows[SHOP][0] == 3 and rows["github.com/acme/own"][0] == rows[""][0] == 1
    sessions = {row["session"]: row["repository"] for row in opencode.weir.json("session", "list")["sessions"]}
    assert sessions == {"ses_a": SHOP, "ses_b": "github.com/acme/own", "ses_c": ""}

    ask(opencode, "ses_d")
    expected["ses_d"] = [(SHOP, "alias")]
    assert repositories(opencode) == expected
    opencode.weir.kill()
    opencode.weir.start()
    assert repositories(opencode) == expected
    before = spend(opencode)
    rebuilt(opencode)
    weirkit.wait_until(lambda: repositories(opencode) == expected, what="the rebuilt ledger")
    assert spend(opencode) == before

    opencode.weir.cli("repository", "alias", "remove", PROJECT)
    assert repositories(opencode)["ses_a"] == [(None, None)] * 2 and repositories(opencode)["ses_d"] == [(None, None)]
    assert spend(opencode)[1] == before[1]


def test_the_same_name_again_changes_nothing(opencode):
    ask(opencode, "ses_a")
    body = {"project": PROJECT, "repository": SHOP}
    status, first = opencode.admin("POST", "/repository-aliases", body)
    again = opencode.admin("POST", "/repository-aliases", body)
    assert status == 201 and again == (200, first) and not first["pending"]
    assert [one["id"] for one in opencode.read("/repository-aliases")["data"]] == [first["id"]]
    status, moved = opencode.admin("POST", "/repository-aliases", {"project": PROJECT, "repository": "github.com/acme/else"})
    assert (status, moved["id"]) == (201, first["id"])
    assert repositories(opencode) == {"ses_a": [("github.com/acme/else", "alias")]}
    for wrong, code in (({"repository": SHOP}, "alias_needs_subject"), ({"project": "p", "repository": "/home"}, "malformed_repository"),
                        ({"session": "nobody", "repository": SHOP}, "session_not_found")):
        assert opencode.admin("POST", "/repository-aliases", wrong)[1]["error"]["code"] == code


def test_a_session_is_named_and_goes_before_its_project(opencode):
    ask(opencode, "ses_a", project=None)
    ask(opencode, "ses_b")
    opencode.weir.cli("repository", "alias", "--session", "ses_a", SHOP)
    opencode.weir.cli("repository", "alias", PROJECT, "github.com/acme/project")
    opencode.weir.cli("repository", "alias", "--session", "ses_b", "github.com/acme/mine")
    ask(opencode, "ses_a", project=None)
    ask(opencode, "ses_b")
    assert repositories(opencode) == {"ses_a": [(SHOP, "alias")] * 2, "ses_b": [("github.com/acme/mine", "alias")] * 2}
    opencode.weir.cli("repository", "alias", "remove", "--session", "ses_b")
    assert repositories(opencode)["ses_b"] == [("github.com/acme/project", "alias")] * 2
    listed = opencode.weir.json("repository", "alias", "list")
    assert {(one["kind"], one["name"]) for one in listed["data"]} == {("session", "ses_a"), ("project", PROJECT)}


def test_what_is_unattributed_is_shown_by_client_and_version_with_its_mend(opencode):
    assert "No turns" in opencode.weir.cli("report", "unattributed").stdout
    whole = {"x_weir_repo": SHOP}
    ask(opencode, "ses_a", **whole)
    assert "Nothing is unattributed" in opencode.weir.cli("report", "unattributed").stdout
    ask(opencode, "ses_a")
    ask(opencode, "ses_a", user_agent="opencode/2.0.0")
    call(opencode, CHAT, headers={"user-agent": "claude-cli/2.1.0 (external, cli)"})
    service = opencode.weir.key("--service-account", "ci")
    call(opencode, CHAT, key=service, headers={"user-agent": "aider/0.86", "x-weir-repo": SHOP, "x-weir-session": "s"})
    document = opencode.weir.json("report", "unattributed")
    rows = {(row["client"], row["version"]): row for row in document["rows"]}
    assert {name: (row["missing"], row["turns"]) for name, row in rows.items()} == {
        ("opencode", "1.2.3"): (["repository"], 1), ("opencode", "2.0.0"): (["repository"], 1),
        ("claude-code", "2.1.0"): (["repository", "session"], 1), ("aider", "0.86"): (["developer"], 1)}
    assert "weir connect opencode" in rows["opencode", "1.2.3"]["mend"] and "repository alias" in rows["opencode", "1.2.3"]["mend"]
    assert "weir connect claude-code" in rows["claude-code", "2.1.0"]["mend"]
    assert document["total_turns"] == 5 and document["turns"] == 4
    assert document["cost_nano_usd"] == sum(row["cost_nano_usd"] for row in document["rows"]) > 0
    opencode.weir.cli("repository", "alias", PROJECT, SHOP)
    left = opencode.weir.json("report", "unattributed")["rows"]
    assert sorted(row["client"] for row in left) == ["aider", "claude-code"]
    assert opencode.weir.cli("report", "unattributed", "--format", "csv").stdout.startswith("client,version,missing,turns,")
