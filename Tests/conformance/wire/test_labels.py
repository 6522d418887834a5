"""Attribution over the wire: what each client really sends, and the labels and sources that the ledger must show for it."""

import json

import pytest

from rawprovider import OK, plain

CODEX = {
    "installation_id": "c0ffee00-1111-2222-3333-444455556666",
    "turn_id": "turn-1",
    "root_turn_id": "turn-1",
    "sandbox": "workspace-write",
    "workspaces": {
        "/home/maria/secret-project/shop": {
            "associated_remote_urls": {
                "origin": "https://maria:ghp_canarytoken@github.com/Acme/shop.git",
                "fork": "git@github.com:maria/shop.git",
            },
            "latest_git_commit_hash": "4c1f0e9a2b",
            "has_changes": True,
        },
    },
}
CLAUDE_USER = json.dumps({"device_id": "d3b0", "account_uuid": "", "session_id": "11111111-claude-meta"})
AGENT, WEIR, FOREIGN, KEY, BAGGAGE = "agent", "weir_header", "foreign", "key", "baggage"

# Name: header lines, members of the body, what the turn must say. A label is (value, source); None is unattributed.
CLIENTS = {
    "OpenCode V2": (
        [
            "User-Agent: opencode/2.4.1 (linux; x64)",
            "x-opencode-session-id: ses_exact",
            "x-opencode-session: ses_affinity",
            "x-session-affinity: ses_affinity",
            "X-Session-Id: ses_affinity",
            "x-opencode-parent-session-id: ses_parent",
            "x-opencode-project: prj_9f",
            "x-opencode-client: cli",
        ],
        {"prompt_cache_key": "ses_affinity"},
        {
            "session": ("ses_exact", AGENT),
            "parent_session": ("ses_parent", AGENT),
            "client": "opencode",
            "client_version": "2.4.1",
            "repository": None,
        },
    ),
    "OpenCode V2 with its other parent name": (
        ["User-Agent: opencode/2.4.1", "x-opencode-session-id: ses_sub", "x-parent-session-id: ses_root"],
        {},
        {"session": ("ses_sub", AGENT), "parent_session": ("ses_root", AGENT)},
    ),
    "OpenCode V1": (
        ["User-Agent: opencode/1.18.29", "x-session-affinity: ses_v1", "X-Session-Id: ses_v1", "x-parent-session-id: ses_v0"],
        {},
        {"session": ("ses_v1", AGENT), "parent_session": ("ses_v0", AGENT), "client": "opencode", "client_version": "1.18.29"},
    ),
    "Crush": (
        ["User-Agent: crush/0.40.0", "x-session-id: 5f2b9hash", "x-session-affinity: 5f2b9hash"],
        {},
        {"session": ("5f2b9hash", AGENT), "parent_session": None, "client": "crush", "client_version": "0.40.0"},
    ),
    "Claude Code": (
        [
            "User-Agent: claude-cli/2.1.330 (external, sdk-cli)",
            "x-app: cli",
            "X-Claude-Code-Session-Id: 22222222-claude",
            "x-claude-code-prompt-id: prompt-7",
        ],
        {"metadata": {"user_id": CLAUDE_USER}},
        {"session": ("22222222-claude", AGENT), "client": "claude-code", "client_version": "2.1.330", "sub_agent": None},
    ),
    "Claude Code's sub-agent": (
        [
            "User-Agent: claude-cli/2.1.330 (external, cli)",
            "X-Claude-Code-Session-Id: 22222222-claude",
            "x-claude-code-agent-id: agent-ab12",
        ],
        {},
        {"session": ("22222222-claude", AGENT), "sub_agent": ("agent-ab12", AGENT)},
    ),
    "Claude Code without its headers": (
        ["User-Agent: claude-cli/2.1.330"],
        {"metadata": {"user_id": CLAUDE_USER}},
        {"session": ("11111111-claude-meta", AGENT)},
    ),
    "Codex": (
        [
            "User-Agent: codex_exec/0.163.0 (Debian 12; x86_64)",
            "originator: codex_exec",
            "session-id: 0199-codex",
            "thread-id: 0199-codex",
            "x-client-request-id: 0199-codex",
            "x-codex-turn-metadata: " + json.dumps(CODEX),
        ],
        {},
        {
            "session": ("0199-codex", AGENT),
            "parent_session": None,
            "sub_agent": None,
            "repository": ("github.com/Acme/shop", AGENT),
            "commit": ("4c1f0e9a2b", AGENT),
            "client": "codex",
            "client_version": "0.163.0",
        },
    ),
    "Codex's sub-agent": (
        [
            "originator: codex_cli_rs",
            "session-id: 0199-codex",
            "thread-id: 0199-child",
            "x-codex-parent-thread-id: 0199-codex",
            "x-openai-subagent: collab_spawn",
        ],
        {},
        {
            "session": ("0199-codex", AGENT),
            "parent_session": None,
            "sub_agent": ("0199-child", AGENT),
            "agent": ("collab_spawn", AGENT),
            "client": "codex",
        },
    ),
    "an older Codex": (["originator: codex_cli_rs", "session_id: 0188-old"], {}, {"session": ("0188-old", AGENT)}),
    "Codex whose header was lost": (
        ["originator: codex_exec", "session-id: 0199-codex"],
        {"client_metadata": {"x-codex-turn-metadata": json.dumps(CODEX)}},
        {"repository": ("github.com/Acme/shop", AGENT)},
    ),
    "Gemini CLI": (["User-Agent: GeminiCLI/0.20.0/gemini-4-argon (linux; x64)"], {}, {"session": "inferred", "client": "geminicli"}),
    "openai-python": (
        ["User-Agent: OpenAI/Python 3.54.0", "X-Stainless-Lang: python"],
        {},
        {"session": "inferred", "client": "openai-python", "client_version": "3.54.0"},
    ),
    "AsyncOpenAI": (["User-Agent: AsyncOpenAI/Python 2.54.0"], {}, {"client": "openai-python", "client_version": "2.54.0"}),
    "anthropic-python": (["User-Agent: Anthropic/Python 2.12.0"], {}, {"client": "anthropic-python", "client_version": "2.12.0"}),
    "openai-node": (["User-Agent: OpenAI/JS 6.1.0"], {}, {"client": "openai-js", "client_version": "6.1.0"}),
    "no name at all": ([], {}, {"session": "inferred", "client": None}),
    "LiteLLM's header": (["x-litellm-session-id: lite-1"], {}, {"session": ("lite-1", FOREIGN)}),
    "Helicone's headers": (
        ["Helicone-Session-Id: heli-1", "Helicone-User-Id: maria", "Helicone-Property-App: shop"],
        {},
        {"session": ("heli-1", FOREIGN), "tags": {"user": "maria", "app": "shop"}},
    ),
    "Portkey's trace": (["x-portkey-trace-id: port-1"], {}, {"session": ("port-1", FOREIGN)}),
    "agentcc's headers": (
        ["x-agentcc-session-id: acc-1", "x-agentcc-trace-id: acc-t", "x-agentcc-property-env: ci"],
        {},
        {"session": ("acc-1", FOREIGN), "tags": {"env": "ci"}},
    ),
    "W3C baggage": (
        ["baggage: other=1,session.id=bag%201;ttl=5,vcs.repository=https%3A%2F%2Fgithub.com%2Facme%2Fshop.git"],
        {},
        {"session": ("bag 1", BAGGAGE), "repository": ("github.com/acme/shop", BAGGAGE)},
    ),
    "Weir's own headers before all others": (
        [
            "x-weir-session: own",
            "x-weir-parent-session: own-parent",
            "x-weir-repo: git@GitHub.com:acme/shop.git",
            "x-weir-branch: feature/1",
            "x-weir-commit: abc123",
            "x-weir-agent: build",
            "x-weir-tag-Ticket: ABC-1",
            "X-Weir-Tag-env: ci",
            "x-opencode-session-id: ses",
            "x-litellm-session-id: lite",
            "x-codex-turn-metadata: " + json.dumps(CODEX),
            "x-openai-subagent: other",
        ],
        {},
        {
            "session": ("own", WEIR),
            "parent_session": ("own-parent", WEIR),
            "repository": ("github.com/acme/shop", WEIR),
            "branch": ("feature/1", WEIR),
            "commit": ("abc123", WEIR),
            "agent": ("build", WEIR),
            "tags": {"ticket": "ABC-1", "env": "ci"},
        },
    ),
    "a repository without its host": (["x-weir-repo: acme/shop"], {}, {"repository": ("acme/shop", WEIR)}),
    "a parent that is the session itself": (
        ["x-weir-session: s", "x-weir-parent-session: s"],
        {},
        {"session": ("s", WEIR), "parent_session": None},
    ),
}


def send(gateway, lines, members, path="/v1/chat/completions", model="gpt-5.4-mini", key=None):
    gateway.provider.forget()
    gateway.provider.answer = lambda _, connection: connection.sendall(plain(OK)) or True
    body = json.dumps(dict({"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}, **members)).encode()
    response = gateway.call(body, path=path, headers=lines, key=key or gateway.key)
    assert response.status == 200, response.body
    return response.id, gateway.provider.wait_for(1)[0]


def check(turn, expected):
    for name, wanted in expected.items():
        got = turn.get(name)
        if wanted == "inferred":
            assert got["source"] == "inferred" and got["value"], (name, got)
        elif isinstance(wanted, tuple):
            assert got == {"value": wanted[0], "source": wanted[1]}, name
        else:
            assert got == wanted, name


@pytest.mark.parametrize("name", CLIENTS)
def test_each_client_is_known_by_what_it_sends(shared, name):
    lines, members, expected = CLIENTS[name]
    anthropic = "laude" in name
    request_id, _ = send(shared, lines, members, *(("/v1/messages", "claude-haiku-4-5") if anthropic else ()))
    turn = shared.turn(request_id)
    check(turn, expected)
    assert "ghp_canarytoken" not in json.dumps(turn) and "/home/maria" not in json.dumps(turn)
    assert (turn["developer"], turn["team"]) == ("maria", "web"), "identity comes from the key alone"


INVALID = {
    "a session that is too long": (["x-weir-session: " + "s" * 300, "x-session-id: other"], {"session": None}),
    "an empty session": (["x-weir-session:", "x-opencode-session-id: other"], {"session": None}),
    "a session that is no UTF-8": (["x-weir-session: \xff\xfe", "session-id: other"], {"session": None}),
    "a repository that is a path": (["x-weir-repo: /home/maria/shop", "x-codex-turn-metadata: " + json.dumps(CODEX)], {"repository": None}),
    "a repository that is a file URL": (["x-weir-repo: file:///srv/git/shop"], {"repository": None}),
    "a repository that climbs": (["x-weir-repo: https://github.com/../../etc"], {"repository": None}),
    "a repository with a script": (["x-weir-repo: <script>alert(1)</script>"], {"repository": None}),
    "a branch that is too long": (["x-weir-branch: " + "b" * 300], {"branch": None}),
    "an empty agent beside a sub-agent's kind": (["x-weir-agent:", "x-openai-subagent: collab_spawn"], {"agent": None}),
    "a parent that is too long": (
        ["x-weir-session: s", "x-weir-parent-session: " + "p" * 300, "x-parent-session-id: q"],
        {"parent_session": None},
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_explicit_but_invalid_gives_none_and_no_fallback(shared, name):
    lines, expected = INVALID[name]
    check(shared.turn(send(shared, lines, {})[0]), expected)


REMOTES = {
    "https://github.com/acme/shop": "github.com/acme/shop",
    "https://github.com/acme/shop.git/": "github.com/acme/shop",
    "http://GitHub.COM/acme/shop.git": "github.com/acme/shop",
    "git@github.com:acme/shop.git": "github.com/acme/shop",
    "ssh://git@github.com:22/acme/shop.git": "github.com/acme/shop",
    "ssh://git@git.corp.example:7999/team/shop.git": "git.corp.example:7999/team/shop",
    "https://oauth2:glpat-canary@gitlab.com/a/b/c/shop.git": "gitlab.com/a/b/c/shop",
    "https://x-access-token:ghs_canary@github.com/acme/shop": "github.com/acme/shop",
    "https://user:p@ss:w0rd-canary@github.com/acme/shop": "github.com/acme/shop",
    "https://github.com/acme/shop?token=canary": "github.com/acme/shop",
    "https://github.com/acme/shop#canary": "github.com/acme/shop",
    "git://example.org/shop.git": "example.org/shop",
    "org-1234@github.com:acme/shop.git": "github.com/acme/shop",
}


def test_remotes_have_one_spelling_and_never_a_credential(shared):
    ids = {send(shared, [f"x-weir-repo: {remote}"], {})[0]: wanted for remote, wanted in REMOTES.items()}
    turns = shared.turns(ids)
    for request_id, wanted in ids.items():
        assert turns[request_id]["repository"] == {"value": wanted, "source": "weir_header"}
        assert "canary" not in json.dumps(turns[request_id]["repository"])


def test_codexs_local_paths_stay_at_home(shared):
    """Header and body go unchanged to OpenAI, and without local paths to anybody else."""
    text = json.dumps(CODEX, separators=(",", ":"))
    members = {
        "client_metadata": {"session_id": "s", "x-codex-turn-metadata": text, "x-codex-installation-id": "i"},
        "tools": [{"type": "namespace"}],
    }
    lines = ["originator: codex_exec", "x-codex-turn-metadata: " + text]
    _, to_openai = send(shared, lines, members, "/v1/responses")
    assert (
        to_openai["x-codex-turn-metadata"] == text
        and json.loads(json.loads(to_openai.body)["client_metadata"]["x-codex-turn-metadata"]) == CODEX
    )
    request_id, to_other = send(shared, lines, members, "/v1/responses", "house-1")
    assert b"/home/maria" not in to_other.raw_head + to_other.body
    for place in (to_other["x-codex-turn-metadata"], json.loads(to_other.body)["client_metadata"]["x-codex-turn-metadata"]):
        kept = json.loads(place)
        assert kept["workspaces"] == {
            "workspace-1": json.loads(
                json.dumps(CODEX["workspaces"]["/home/maria/secret-project/shop"]).replace("maria:ghp_canarytoken@", "")
            )
        }
        assert {name: value for name, value in kept.items() if name != "workspaces"} == {
            name: value for name, value in CODEX.items() if name != "workspaces"
        }
    # All around the splice stands as it was.
    was = json.dumps(dict({"model": "house-1", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}, **members)).encode()
    at = was.index(b'"x-codex-turn-metadata": ') + 25
    assert to_other.body.startswith(was[:at]) and to_other.body.endswith(
        b', "x-codex-installation-id": "i"}, "tools": [{"type": "namespace"}]}'
    )
    assert shared.turn(request_id)["repository"]["value"] == "github.com/Acme/shop", "attribution still sees it"


@pytest.mark.parametrize(
    "metadata",
    [
        '{"workspaces":{"/home/maria/x":',
        "no json /home/maria",
        {"workspaces": {"/home/maria/x": {}}},
        '{"workspaces":{"\\u002fhome/maria/x":{},"/home/maria/y":{}}}',
    ],
)
def test_codex_metadata_that_is_odd_leaks_nothing_either(shared, metadata):
    lines = [] if isinstance(metadata, dict) else ["x-codex-turn-metadata: " + metadata]
    _, received = send(shared, lines, {"client_metadata": {"x-codex-turn-metadata": metadata, "other": 1}}, "/v1/responses", "house-1")
    assert b"home/maria" not in received.raw_head + received.body
    assert json.loads(received.body)["client_metadata"]["other"] == 1


def test_a_key_that_is_bound_to_a_repository_attributes_and_can_insist(shared):
    bound = shared.weir.key("--repository", "github.com/acme/bound", developer="bea")
    check(shared.turn(send(shared, [], {}, key=bound)[0]), {"repository": ("github.com/acme/bound", KEY)})
    check(shared.turn(send(shared, ["x-weir-repo: acme/other"], {}, key=bound)[0]), {"repository": ("acme/other", WEIR)})
    check(shared.turn(send(shared, ["x-weir-repo: /no/remote"], {}, key=bound)[0]), {"repository": None})
    insisting = shared.weir.key("--repository", "github.com/acme/bound", "--enforce-repository", developer="ines")
    check(shared.turn(send(shared, [], {}, key=insisting)[0]), {"repository": ("github.com/acme/bound", KEY)})
    for line in ("x-weir-repo: acme/other", "x-weir-repo: /no/remote"):
        response = shared.call(headers=[line], key=insisting)
        assert response.status == 403 and json.loads(response.body)["error"]["code"] == "repository_not_allowed"


def test_sessions_are_inferred_per_key_and_opener(shared):
    other = shared.weir.key(developer="otto")
    one = {"messages": [{"role": "user", "content": "first task"}]}
    grown = {"messages": one["messages"] + [{"role": "assistant", "content": "a"}, {"role": "user", "content": "more"}]}
    two = {"messages": [{"role": "user", "content": "second task"}]}
    ids = [send(shared, [], members, key=key)[0] for members, key in [(one, None), (grown, None), (two, None), (one, other)]]
    turns = shared.turns(ids)
    sessions = [turns[i]["session"]["value"] for i in ids]
    assert sessions[0] == sessions[1] and len(set(sessions)) == 3
    assert all("session_inferred" in turns[i]["flags"] for i in ids)


def test_tags_are_bounded(shared):
    turn = shared.turn(send(shared, [f"x-weir-tag-t{i}: v{i}" for i in range(30)] + ["x-weir-tag-long: " + "v" * 400], {})[0])
    assert len(turn["tags"]) == 16 and "long" not in turn["tags"]
