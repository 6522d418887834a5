"""What the ledger says of one key's traffic, read the way an operator reads it: through the command line."""

import json

import weirkit


def key_id(secret):
    """`weir_k_<keyid>_<secret>`."""
    return secret.split("_")[2]


def turns(weir, secret, count=1):
    """The key's turns, refused ones too, oldest first, once at least `count` have arrived."""
    def found():
        mine = [turn for turn in weir.turns() if turn["key_id"] == key_id(secret)]
        return mine if len(mine) >= count else None

    return weirkit.wait_until(found, what=f"{count} turns of key {key_id(secret)}")[::-1]


def value(turn, label):
    """A label's text; None where the turn has none."""
    return (turn.get(label) or {}).get("value")


def cost(turns):
    return sum(turn["cost_nano_usd"] for turn in turns)


def check_turn(turn, client, version, repository, source, session, session_source="agent"):
    """What every turn of a session with tools must say."""
    shown = json.dumps(turn, indent=1)
    assert turn["status"] == 200 and not turn.get("error"), shown
    assert (turn["client"], turn["client_version"]) == (client, version), shown
    assert turn["repository"] == {"value": repository, "source": source}, shown
    assert turn["session"] == {"value": session, "source": session_source}, shown
    assert turn["usage_source"] == "provider" and turn["cost_nano_usd"] > 0 and turn.get("price_version"), shown


def check_reports(weir, secret, developer, repository, client, session, turns):
    """The three reports that the platform team reads name this session and agree with its turns."""
    total = cost(turns)
    key = key_id(secret)
    spend = weir.json("report", "spend", "--by", "developer,repository", "--key", key)
    rows = [row for row in spend["rows"] if row["labels"] == [developer, repository]]
    assert [(row["turns"], row["cost_nano_usd"]) for row in rows] == [(len(turns), total)], spend
    listed = weir.json("session", "list", "--key", key)["sessions"]
    found = [row for row in listed if row["session"] == session]
    assert len(found) == 1, listed
    row = found[0]
    assert (row["developer"], row["repository"], row["client"]) == (developer, repository, client), row
    assert (row["turns"], row["cost_nano_usd"], row["unpriced_turns"]) == (len(turns), total, 0), row
    shown = weir.json("session", "show", session)
    assert [turn["request_id"] for turn in shown["turns"]] == [turn["request_id"] for turn in turns], shown
    for words in (["report", "spend", "--by", "developer,repository", "--key", key], ["session", "list", "--key", key]):
        text = weir.cli(*words).stdout
        assert developer in text and repository in text, text
    text = weir.cli("session", "show", session).stdout
    assert session in text and repository in text and f"{len(turns)} turns" in text, text
    return row


def check_attributed(weir, secret, developer, repository, turns):
    """All of the key's spend has one developer, one repository and a session: no row is left without."""
    spend = weir.json("report", "spend", "--by", "developer,repository", "--key", key_id(secret))
    assert [(row["labels"], row["turns"]) for row in spend["rows"]] == [([developer, repository], len(turns))], spend
    assert spend["total"]["cost_nano_usd"] == cost(turns) > 0
    assert all(value(turn, "session") for turn in turns), turns


def check_nothing_is_missing(weir):
    """`weir report unattributed` has no row."""
    report = weir.json("report", "unattributed")
    assert report["total_turns"] > 0 and report["rows"] == [], report


def check_nowhere(weir, text):
    """The text is in no file of the data folder and in nothing that the server printed."""
    assert text not in weir.process.text
    for path in weir.data.rglob("*"):
        if path.is_file():
            assert text.encode() not in path.read_bytes(), f"{text} is in {path}"
