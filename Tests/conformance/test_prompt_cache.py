"""Care for providers' prompt caches: what Weir puts into a request is the same in every turn of a session, and a turn whose cache was lost
says what changed first."""

import json
import uuid

import pytest

from gateway import gateway_with
from raw import post

SETTINGS = """    aliases: {house: gpt-5.4-mini, claude: claude-opus-5-5}
routes:
  - model: moving
    affinity: none
    pick: order
    deployments:
      - {to: simulated/claude-sonnet-5-5, when: {tags: {place: [a]}}}
      - simulated/claude-opus-5-5
prompt_cache_watch: yes
"""
TOOLS = [{"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}]


@pytest.fixture(scope="module")
def gateway():
    with gateway_with(provider_settings=SETTINGS) as made:
        yield made


class Conversation:
    """A session with the official SDK: what it says can be changed between its turns."""

    def __init__(self, gateway, model="claude-opus-5-5"):
        self.gateway, self.session = gateway, f"s-{uuid.uuid4()}"
        self.client = gateway.anthropic(headers={"x-weir-session": self.session})
        self.request = dict(
            model=model, max_tokens=50, tools=[dict(one) for one in TOOLS], system=[{"type": "text", "text": "Be brief."}],
            messages=[{"role": "user", "content": "Begin."}])

    def turn(self, cached, **headers):
        """One turn of which so many of 8,000 tokens were in the cache; gives the turn as it is kept."""
        fields = {"x-sim-input-tokens": "8000", "x-sim-cached-tokens": str(cached), "x-sim-tool-rounds": "0", **headers}
        answer = self.client.messages.with_raw_response.create(**self.request, extra_headers=fields)
        said = self.request["messages"]
        self.request["messages"] = said + [
            {"role": "assistant", "content": answer.parse().content[0].text},
            {"role": "user", "content": [{"type": "text", "text": f"Go on, {len(said)}.", "cache_control": {"type": "ephemeral"}}]}]
        return self.gateway.weir.json("turn", "show", answer.headers["x-weir-request-id"])

    def warm(self):
        assert "prefix_break" not in self.turn(0)
        assert "prefix_break" not in self.turn(7900)
        return self


@pytest.mark.parametrize("cause", ["tools", "system", "settings", "message", "provider"])
def test_the_turn_that_lost_its_cache_says_what_changed_first(gateway, cause):
    session = Conversation(gateway).warm()
    if cause == "tools":
        session.request["tools"][0]["description"] = "Looks again."
    elif cause == "system":
        session.request["system"] = [{"type": "text", "text": "Be brief. It is noon."}]
    elif cause == "settings":
        session.request["tool_choice"] = {"type": "any"}
    elif cause == "message":
        session.request["messages"][1] = {"role": "assistant", "content": "I said something else."}
    turn = session.turn(0)
    lost = turn["prefix_break"]
    assert lost["cause"] == cause and lost["read_tokens"] == 0 and lost["expected_tokens"] > 7000
    assert lost.get("message") == (2 if cause == "message" else None)
    # Once told, the session is warm again.
    assert "prefix_break" not in session.turn(7900)
    shown = gateway.weir.cli("turn", "show", turn["request_id"]).stdout
    assert "cache lost" in shown and lost["after"] in shown
    of_session = gateway.weir.cli("session", "show", session.session).stdout
    assert of_session.count("cache lost") == 1 and turn["request_id"] in of_session


def test_a_session_that_is_moved_says_so(gateway):
    session = Conversation(gateway, "moving").warm()
    lost = session.turn(0, **{"x-weir-tag-place": "a"})["prefix_break"]
    assert lost["cause"] == "model"


def test_the_hit_rate_of_a_session_is_what_its_provider_said(gateway):
    session = Conversation(gateway).warm()
    row, = gateway.weir.json("session", "show", session.session)["sessions"]
    usage = [turn["usage"] for turn in gateway.weir.json("session", "show", session.session)["turns"]]
    read = sum(one["cache_read"] for one in usage)
    total = read + sum(one["input"] + one["cache_write_5m"] for one in usage)
    assert row["cache_hit_per_mille"] == read * 1000 // total == 7900 * 1000 // 16000
    assert f"cache {row['cache_hit_per_mille'] // 10}.{row['cache_hit_per_mille'] % 10} %" in gateway.weir.cli(
        "session", "show", session.session).stdout
    report = gateway.weir.json("report", "spend", "--by", "session")
    mine, = [one for one in report["rows"] if one["labels"] == [session.session]]
    assert mine["cache_read_tokens"] == read


def chat(model, messages):
    tool = {"type": "function", "function": {"name": "look", "parameters": TOOLS[0]["input_schema"]}}
    said = [{"role": "system", "content": "Be brief."}, *({"role": role, "content": text} for role, text in messages)]
    return {"model": model, "messages": said, "tools": [tool], "stream": True}


def claude(model, messages):
    said = [{"role": role, "content": text} for role, text in messages]
    return {"model": model, "max_tokens": 50, "system": "Be brief.", "messages": said, "tools": TOOLS, "stream": True}


def responses(model, messages):
    said = [{"role": role, "content": text} for role, text in messages]
    return {"model": model, "instructions": "Be brief.", "input": said, "stream": True, "client_metadata": {
        "x-codex-turn-metadata": json.dumps({"workspaces": {"/home/maria/shop": {"remotes": {}}}})}}


@pytest.mark.parametrize("dialect, make, model", [
    ("chat", chat, "house"), ("messages", claude, "claude"), ("responses", responses, "house"), ("chat", chat, "claude"),
    ("messages", claude, "house"), ("responses", responses, "claude")])
def test_what_is_put_into_a_request_is_the_same_in_every_turn(gateway, dialect, make, model):
    said = [("user", "Begin."), ("assistant", "Yes?"), ("user", "Go on."), ("assistant", "Where?"), ("user", "There.")]
    bodies = []
    for count in (1, 1, 3, 5):
        gateway.simulation.forget()
        assert post(gateway.weir.url, dialect, gateway.key, make(model, said[:count]), x_sim_tool_rounds="0").status == 200
        bodies.append(gateway.simulation.requests()[-1]["body"])
    assert bodies[0] == bodies[1], "the same request is the same bytes"
    for before, after in zip(bodies[1:], bodies[2:]):
        before, after = json.loads(before), json.loads(after)
        # Every piece in the order of its members: a provider's template writes them as they come.
        assert list(before) == list(after)
        for name in before:
            if name in ("messages", "input"):
                assert json.dumps(after[name][:len(before[name])]) == json.dumps(before[name])
            else:
                assert json.dumps(after[name]) == json.dumps(before[name]), name
