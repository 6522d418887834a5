"""Workspaces, teams, developers and service accounts by the command line: who is disabled is out at once, with every key."""

import pytest

from clients import CHAT, call, failure


def works(gateway, secret):
    return call(gateway, CHAT, key=secret).choices[0].finish_reason == "stop"


@pytest.mark.parametrize("verb, create", [
    ("developer", ("--developer", "leaver")), ("service-account", ("--service-account", "nightly")), ("team", ("--developer", "stayer"))])
def test_who_is_disabled_is_out_with_every_key_and_back_in_without_a_new_one(gateway, verb, create):
    gateway.weir.cli("team", "create", f"{verb}-team")
    keys = [gateway.weir.cli("key", "create", *create, "--team", f"{verb}-team").stdout.strip() for _ in range(2)]
    name = f"{verb}-team" if verb == "team" else create[1]
    assert all(works(gateway, key) for key in keys)
    assert "disabled" in gateway.weir.cli(verb, "disable", name).stderr
    refused = [failure(gateway, CHAT, key=key) for key in keys]
    assert [one.status for one in refused] == [401, 401]
    listed = {row["name"]: row for row in gateway.weir.json(verb, "list")["data"]}
    assert listed[name]["disabled"]
    gateway.weir.cli(verb, "enable", name)
    assert all(works(gateway, key) for key in keys)


def test_spend_is_told_by_workspace(gateway):
    gateway.weir.cli("workspace", "create", "subsidiary")
    gateway.weir.cli("team", "create", "abroad", "--workspace", "subsidiary")
    key = gateway.weir.key(developer="emi", team="abroad")
    assert works(gateway, key)
    report = gateway.weir.json("report", "spend", "--by", "workspace,team")
    rows = {tuple(row["labels"]): row["turns"] for row in report["rows"]}
    assert rows["subsidiary", "abroad"] == 1
    assert {"default", "subsidiary"} <= {row["name"] for row in gateway.weir.json("workspace", "list")["data"]}


def test_an_owner_needs_a_team_and_a_team_a_workspace_that_exist(gateway):
    lost = gateway.weir.cli("team", "create", "lost", "--workspace", "nowhere", check=False)
    assert lost.returncode == 1 and "workspace_not_found" in lost.stderr and "weir workspace create nowhere" in lost.stderr
    stray = gateway.weir.cli("developer", "create", "stray", "--team", "nowhere", check=False)
    assert stray.returncode == 1 and "team_not_found" in stray.stderr
    ghost = gateway.weir.cli("developer", "disable", "nobody", check=False)
    assert ghost.returncode == 1 and "developer_not_found" in ghost.stderr
