"""Header sets of Codex that one run of one version does not show: replayed by hand, marked as such."""

import json
import urllib.request

import ledger
from laptop import REMOTE, REPOSITORY


def call(weir, secret, headers):
    """One small turn with Codex's headers."""
    body = json.dumps({"model": "gpt-5.5", "input": "Say hi", "store": False}).encode()
    request = urllib.request.Request(
        f"{weir.url}/v1/responses", data=body,
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json", "originator": "codex_cli_rs",
                 "User-Agent": "codex_cli_rs/0.160.0 (Debian 12.0.0; x86_64) xterm", **headers})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def metadata(remote):
    return json.dumps({"workspaces": {"/home/eva/shop": {
        "associated_remote_urls": {"origin": remote}, "latest_git_commit_hash": "8d2f", "has_changes": False}}})


def test_a_version_that_sends_the_remotes_password_leaves_it_at_the_gateway(weir, simulation):
    secret = weir.key(developer="replay-eva")
    call(weir, secret, {"session-id": "replay-1", "thread-id": "replay-1", "x-codex-turn-metadata": metadata(REMOTE)})
    turn = ledger.turns(weir, secret)[0]
    assert turn["repository"] == {"value": REPOSITORY, "source": "agent"}
    assert (ledger.value(turn, "session"), ledger.value(turn, "commit")) == ("replay-1", "8d2f")
    assert "s3cret" not in json.dumps(turn)
    assert "s3cret" not in json.dumps(simulation.requests()), "the password went to the provider"
    ledger.check_nowhere(weir, "s3cret")


def test_a_sub_agent_of_a_sub_agent_is_a_label_of_the_same_session(weir, simulation):
    secret = weir.key(developer="replay-fay")
    for thread, parent in (("root", None), ("child", "root"), ("grandchild", "child")):
        headers = {"session-id": "root", "thread-id": thread, "x-codex-turn-metadata": metadata(REMOTE)}
        if parent:
            headers |= {"x-codex-parent-thread-id": parent, "x-openai-subagent": "collab_spawn"}
        call(weir, secret, headers)
    turns = ledger.turns(weir, secret, 3)
    assert [ledger.value(turn, "session") for turn in turns] == ["root"] * 3
    assert [ledger.value(turn, "sub_agent") for turn in turns] == [None, "child", "grandchild"]
    row = ledger.check_reports(weir, secret, "replay-fay", REPOSITORY, "codex", "root", turns)
    assert sorted(row["sub_agents"]) == ["child", "grandchild"] and row.get("parent_session") is None
