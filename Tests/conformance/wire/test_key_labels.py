"""Labels behind the dot of a key, over the wire: what they give, what is stronger, and that odd ones stop nobody's work."""

import base64
import json

import pytest

from test_labels import AGENT, CODEX, FOREIGN, KEY, WEIR, check, send


def labelled(key, form):
    return key + "." + base64.urlsafe_b64encode(form.encode()).decode().rstrip("=")


FULL = (
    "repo=https%3A%2F%2Fmaria%3Aghp_canary%40GitHub.com%2Facme%2Fshop.git&branch=feature%2F1&commit=abc"
    "&session=s-1&parent=p-1&agent=build"
)
CREDENTIAL = "credential"
# Header lines beside the labelled key, and what the turn must say.
BESIDE = {
    "nothing": (
        [],
        {
            "repository": ("github.com/acme/shop", CREDENTIAL),
            "branch": ("feature/1", CREDENTIAL),
            "commit": ("abc", CREDENTIAL),
            "session": ("s-1", CREDENTIAL),
            "parent_session": ("p-1", CREDENTIAL),
            "agent": ("build", CREDENTIAL),
        },
    ),
    "Weir's own headers": (
        ["x-weir-repo: acme/other", "x-weir-session: own", "x-weir-agent: plan"],
        {
            "repository": ("acme/other", WEIR),
            "session": ("own", WEIR),
            "agent": ("plan", WEIR),
            "branch": None,
            "commit": None,
        },
    ),
    "Codex's own words": (
        ["session-id: codex-1", "x-codex-turn-metadata: " + json.dumps(CODEX).replace("Acme", "acme")],
        {
            "repository": ("github.com/acme/shop", AGENT),
            "session": ("codex-1", AGENT),
            "commit": ("4c1f0e9a2b", AGENT),
            "branch": ("feature/1", CREDENTIAL),
        },
    ),
    "Claude Code's own words": (
        ["X-Claude-Code-Session-Id: c-1", "x-claude-code-agent-id: a-2", "x-claude-code-parent-agent-id: a-1"],
        {
            "repository": ("github.com/acme/shop", CREDENTIAL),
            "session": ("c-1", AGENT),
            "sub_agent": ("a-2", AGENT),
            "tags": {"parent_agent": "a-1"},
        },
    ),
    "another gateway's session": (["x-litellm-session-id: lite-1"], {"session": ("lite-1", FOREIGN)}),
    "baggage": (["baggage: session.id=bag,vcs.repository=github.com/acme/bag"], {"session": ("s-1", CREDENTIAL)}),
}


@pytest.mark.parametrize("name", BESIDE)
def test_labels_behind_the_dot_of_a_key_are_weaker_than_what_a_request_says(shared, name):
    lines, expected = BESIDE[name]
    request_id, received = send(shared, lines, {}, key=labelled(shared.key, FULL))
    turn = shared.turn(request_id)
    check(turn, expected)
    assert (turn["developer"], turn["team"]) == ("maria", "web"), "identity comes from the key alone"
    assert shared.key.encode() not in received.raw_head and b"cmVwbz" not in received.raw_head, "the provider saw the labels"
    assert "ghp_canary" not in json.dumps(turn) + shared.weir.process.text
    shown = shared.weir.cli("turn", "show", request_id).stdout
    for label in (label for label in expected.values() if isinstance(label, tuple)):
        assert any(all(word in line for word in label) for line in shown.splitlines()), (label, shown)


def test_labels_are_stronger_than_the_keys_binding_and_a_key_can_insist(shared):
    bound = shared.weir.key("--repository", "github.com/acme/bound", developer="bob")
    check(shared.turn(send(shared, [], {}, key=labelled(bound, FULL))[0]), {"repository": ("github.com/acme/shop", CREDENTIAL)})
    check(shared.turn(send(shared, [], {}, key=labelled(bound, "branch=main"))[0]), {"repository": ("github.com/acme/bound", KEY)})
    insisting = shared.weir.key("--repository", "github.com/acme/bound", "--enforce-repository", developer="iris")
    response = shared.call(key=labelled(insisting, FULL))
    assert response.status == 403 and json.loads(response.body)["error"]["code"] == "repository_not_allowed"


@pytest.mark.parametrize(
    "behind",
    ["", "A", "!", "canary-no-labels", "YnJhbmNoPW1haW5", "YnJhbmNoPW1haW4=", "YnJhbmNoPW1haW4.YnJhbmNoPW1haW4", "_" * 20000],
)
def test_malformed_labels_are_no_labels_and_stop_no_work(shared, behind):
    request_id, received = send(shared, [], {}, key=f"{shared.key}.{behind}")
    turn = shared.turn(request_id)
    check(turn, {"repository": None, "branch": None, "session": "inferred", "developer": "maria"})
    assert len(behind) < 5 or behind.encode() not in received.raw_head and behind not in json.dumps(turn) + shared.weir.process.text


def test_one_key_with_and_without_labels_is_one_key_and_two_keys_are_refused(shared):
    other = shared.weir.key(developer="olga")
    twice = [f"x-api-key: {shared.key}", f"api-key: {labelled(shared.key, 'branch=second')}"]
    check(shared.turn(send(shared, twice, {}, key=labelled(shared.key, "branch=first"))[0]), {"branch": ("first", CREDENTIAL)})
    check(shared.turn(send(shared, twice, {})[0]), {"branch": ("second", CREDENTIAL)})
    response = shared.call(headers=[f"x-api-key: {labelled(other, FULL)}"], key=labelled(shared.key, FULL))
    assert response.status == 401 and b"conflicting_api_keys" in response.body


def test_codex_without_its_headers_is_known_by_its_body(shared):
    members = {"client_metadata": {"session_id": "body-1", "thread_id": "body-2", "x-codex-turn-metadata": json.dumps(CODEX)}}
    request_id, _ = send(shared, ["originator: codex_exec"], members, "/v1/responses")
    expected = {"session": ("body-1", AGENT), "sub_agent": ("body-2", AGENT), "repository": ("github.com/Acme/shop", AGENT)}
    check(shared.turn(request_id), expected)
