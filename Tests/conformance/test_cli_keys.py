"""Virtual keys and their owners by the command line: each change is in force when its verb returns."""

import datetime
import json
import re

import pytest

from clients import CHAT, call, failure
from gateway import SocketConnection


def key_id(secret):
    return secret.split("_")[2]


def works(gateway, secret, **options):
    return call(gateway, CHAT, key=secret, **options).choices[0].finish_reason == "stop"


def shown(gateway, secret):
    return gateway.weir.json("key", "show", key_id(secret))


def test_a_secret_is_shown_once_and_only_on_standard_output(gateway):
    made = gateway.weir.cli("key", "create", "--developer", "ada", "--team", "core", "--name", "my laptop/2")
    assert re.fullmatch(r"weir_k_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}\n", made.stdout)
    secret = made.stdout.strip()
    assert secret not in made.stderr and "shown once" in made.stderr and "ada" in made.stderr
    assert works(gateway, secret)
    for verb in (("key", "list"), ("key", "show", key_id(secret))):
        for form in ("table", "csv", "json"):
            text = gateway.weir.cli(*verb, "--format", form).stdout
            assert secret.split("_")[3] not in text and key_id(secret) in text
    key = shown(gateway, secret)
    assert key["schema"] == "weir.key/1"
    assert (key["developer"], key["team"], key["name"], key["status"]) == ("ada", "core", "my laptop/2", "active")
    assert gateway.weir.json("key", "show", "my laptop/2")["key_id"] == key_id(secret)
    left = datetime.datetime.fromisoformat(key["expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert 89 <= left.days <= 90


def test_an_update_changes_what_it_names_and_nothing_else(gateway):
    secret = gateway.weir.key("--model", "gpt-5*", "--repository", "github.com/acme/shop")
    before = shown(gateway, secret)
    gateway.weir.cli("key", "update", key_id(secret), "--model", "o3", "--expires", "2h")
    after = shown(gateway, secret)
    assert after["models"] == ["o3"] and after["expires"] < before["expires"]
    same = ("repository", "developer", "created", "generation", "endpoints")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert failure(gateway, CHAT, key=secret).status == 403
    assert works(gateway, secret, model="o3")


def test_a_rotated_key_works_under_both_secrets_until_the_overlap_is_over(gateway):
    first = gateway.weir.key()
    second = gateway.weir.cli("key", "rotate", key_id(first)).stdout.strip()
    assert second != first and key_id(second) == key_id(first)
    assert works(gateway, first) and works(gateway, second)
    third = gateway.weir.cli("key", "rotate", key_id(first), "--overlap", "0s").stdout.strip()
    assert works(gateway, third)
    for old in (first, second):
        outcome = failure(gateway, CHAT, key=old)
        assert (outcome.status, outcome.code) == (401, "invalid_api_key")
    assert shown(gateway, third)["generation"] == 3


def test_an_overlap_has_a_limit(gateway):
    secret = gateway.weir.key()
    done = gateway.weir.cli("key", "rotate", key_id(secret), "--overlap", "100h", check=False)
    assert done.returncode == 1 and "72 hours" in done.stderr and "--overlap 24h" in done.stderr
    assert gateway.weir.cli("key", "rotate", key_id(secret), "--overlap", "soon", check=False).returncode == 2


def test_a_revoked_key_stays_revoked(gateway):
    secret = gateway.weir.key()
    done = gateway.weir.cli("key", "revoke", key_id(secret))
    assert "is revoked" in done.stderr and shown(gateway, secret)["status"] == "revoked"
    assert gateway.weir.cli("key", "rotate", key_id(secret), check=False).returncode == 1
    assert failure(gateway, CHAT, key=secret).code == "revoked_api_key"


def test_when_a_key_was_last_used(gateway):
    secret = gateway.weir.key()
    assert "last_used" not in shown(gateway, secret)
    works(gateway, secret)
    gateway.last_turn()
    used = datetime.datetime.fromisoformat(shown(gateway, secret)["last_used"])
    # It is kept to the minute.
    assert 0 <= (datetime.datetime.now(datetime.timezone.utc) - used).total_seconds() < 90


def test_teams_developers_and_service_accounts(gateway):
    cli = gateway.weir.cli
    assert "Team robots is team_" in cli("team", "create", "robots").stderr
    cli("developer", "create", "grace", "--team", "robots", "--email", "grace@example.org")
    cli("service-account", "create", "nightly", "--team", "robots")
    assert "robots" in [team["name"] for team in gateway.weir.json("team", "list")["data"]]
    grace = [one for one in gateway.weir.json("developer", "list")["data"] if one["name"] == "grace"][0]
    assert (grace["team"], grace["email"], grace["id"][:4]) == ("robots", "grace@example.org", "dev_")
    secret = cli("key", "create", "--service-account", "nightly").stdout.strip()
    assert secret.startswith("weir_s_") and works(gateway, secret)
    turn = gateway.last_turn()
    assert (turn["service_account"], turn.get("developer"), turn["team"]) == ("nightly", None, "robots")


@pytest.mark.parametrize("verb,name", [("team", "gone & back"), ("developer", "will"), ("service-account", "cron")])
def test_who_is_disabled_is_shut_out_until_enabled_again(gateway, verb, name):
    owner = ("--service-account", name) if verb == "service-account" else ("--developer", "will")
    secret = gateway.weir.cli("key", "create", *owner, "--team", "gone & back").stdout.strip()
    assert works(gateway, secret)
    gateway.weir.cli(verb, "disable", name)
    assert failure(gateway, CHAT, key=secret).status == 401
    gateway.weir.cli(verb, "enable", name)
    assert works(gateway, secret)


@pytest.mark.parametrize("arguments,words,mend", [
    (("team", "create", "default"), "already", "weir team list"),
    (("developer", "create", "linus", "--team", "nowhere"), 'no team "nowhere"', "weir team create nowhere"),
    (("developer", "create", "owner", "--team", "default"), "already", "another name"),
    (("team", "create", ""), "1 to 100 bytes", "another name"),
    (("key", "create", "--developer", "unheard-of"), "no developer", "--team TEAM"),
    (("key", "create", "--team", "default"), "belongs to one developer", "--developer NAME"),
    (("key", "create", "--developer", "owner", "--service-account", "s", "--team", "default"), "belongs to one", "NAME"),
    (("key", "create", "--developer", "owner", "--network", "10.0.0.0/40"), "is no network", "10.0.0.0/8"),
    (("key", "create", "--developer", "owner", "--endpoint", "teapot"), "no endpoint", "chat_completions"),
    (("key", "show", "zzzzzzzzzz"), "no key", "weir key list"),
    (("key", "revoke", "zzzzzzzzzz"), "no key", "weir key list"),
])
def test_a_refusal_has_a_code_words_a_mend_and_exit_code_1(gateway, arguments, words, mend):
    done = gateway.weir.cli(*arguments, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(r"error\[[a-z_]+\]: ", done.stderr) and words in done.stderr and mend in done.stderr


def test_a_near_miss_is_named(gateway):
    secret = gateway.weir.key("--name", "nearly")
    done = gateway.weir.cli("key", "show", key_id(secret)[:9], check=False)
    assert f"did you mean {key_id(secret)} (nearly)?" in done.stderr


def test_a_request_that_is_repeated_makes_nothing_twice(gateway):
    answers = []
    for _ in range(2):
        connection = SocketConnection(str(gateway.weir.data / "weir.sock"))
        connection.request("POST", "/api/v1/keys", json.dumps({"developer": "owner", "name": "once"}), {
            "Content-Type": "application/json", "Idempotency-Key": "a-1"})
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read())))
    assert [status for status, _ in answers] == [201, 409]
    assert answers[1][1]["error"]["code"] == "already_done"
    assert [key["name"] for key in gateway.weir.json("key", "list")["data"]].count("once") == 1


@pytest.mark.parametrize("body,code", [
    ({"developer": "owner", "colour": "red"}, "unknown_member"), ({"developer": 7}, "malformed_body"),
    ({"developer": "owner", "expires": "soon"}, "malformed_time")])
def test_the_api_names_what_is_wrong_with_a_body(gateway, body, code):
    status, document = gateway.admin("POST", "/keys", body)
    assert status == 400 and document["error"]["code"] == code
    assert document["error"]["message"] and document["error"]["mend"] and document["error"]["request_id"]


def test_the_api_names_a_path_that_it_does_not_have(gateway):
    status, document = gateway.admin("GET", "/nothing")
    assert status == 404 and document["error"]["code"] == "unknown_path"
