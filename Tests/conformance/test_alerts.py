"""Alerts arrive, at real receivers: a webhook whose signature is checked, one that takes Slack's form, and an SMTP server; each once."""

import concurrent.futures
import contextlib
import hashlib
import hmac
import http.server
import json
import socketserver
import sqlite3
import threading

import pytest

import weirkit
from gateway import gateway_with
from raw import post

SECRET = "an alerting secret"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is posted to it, and answers with `status`."""

    def __init__(self):
        self.posts = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


    def alerts(self, since=0):
        return [alert for _, body in self.posts[since:] for alert in json.loads(body)["alerts"]]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Relay(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as a relay must speak, by the letter; keeps each message with its envelope."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        self.messages = []
        super().__init__(("127.0.0.1", 0), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        sender, receivers = None, []
        self.say("220 relay")
        for line in iter(lambda: self.rfile.readline().decode(), ""):
            assert line.endswith("\r\n")
            verb = line[:4].upper()
            if verb == "EHLO":
                self.say("250-relay")
                self.say("250 8BITMIME")
            elif verb == "MAIL":
                sender = line.strip()
                self.say("250 fine")
            elif verb == "RCPT":
                receivers.append(line.strip())
                self.say("250 fine")
            elif verb == "DATA":
                self.say("354 go on")
                text = []
                for part in iter(lambda: self.rfile.readline().decode(), ".\r\n"):
                    assert part.endswith("\r\n")
                    text.append(part[1:] if part.startswith(".") else part)
                self.server.messages.append((sender, receivers, "".join(text)))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 no")


@pytest.fixture(scope="module")
def receivers():
    hook, chat, relay = Receiver(), Receiver(), Relay()
    configuration = f"""alerts:
  - {{name: ops, kind: webhook, url: "{hook.url}", secret: "${{ALERT_SECRET}}"}}
  - {{name: chat, kind: slack, url: "${{CHAT_URL}}"}}
  - {{name: mail, kind: smtp, url: "smtp://127.0.0.1:{relay.server_address[1]}", from: weir@acme.example, to: [ops@acme.example]}}
budgets:
  - {{name: pot, usd: "0.01", window: month, mode: alert, alerts: [50, 100]}}
"""
    with gateway_with(configuration, environment={"ALERT_SECRET": SECRET, "CHAT_URL": chat.url}) as gateway:
        yield gateway, hook, chat, relay
    hook.shutdown()
    chat.shutdown()
    relay.shutdown()


def test_a_test_reaches_every_receiver(receivers):
    gateway, hook, chat, relay = receivers
    found = gateway.weir.json("alert", "test")["data"]
    assert [one["receiver"] for one in found] == ["ops", "chat", "mail"] and not any(one.get("problem") for one in found)
    headers, body = hook.posts[-1]
    fields = dict(part.split("=") for part in {name.lower(): value for name, value in headers.items()}["x-weir-signature"].split(","))
    expected = hmac.new(SECRET.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(fields["v1"], expected)
    assert json.loads(body)["alerts"][0]["kind"] == "test"
    assert json.loads(chat.posts[-1][1]) == {"text": "This is a test of Weir's alerts."}
    sender, to, text = relay.messages[-1]
    assert sender == "MAIL FROM:<weir@acme.example>" and to == ["RCPT TO:<ops@acme.example>"]
    assert "Subject: Weir: test test\r\n" in text and text.endswith("This is a test of Weir's alerts.\r\n")


def test_a_threshold_is_told_once(receivers):
    gateway, hook, _, _ = receivers
    before = len(hook.posts)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: post(gateway.weir.url, "messages", gateway.key, x_sim_output_tokens="400"), range(8)))
    weirkit.wait_until(lambda: [one for one in hook.alerts(before) if one["kind"] == "threshold"], 20, "the threshold's alert")
    found = [one for one in hook.alerts(before) if one["kind"] == "threshold"]
    assert len({one["text"] for one in found}) == len(found) and found[0]["subject"] == "pot"
    assert 'Budget "pot" has passed 50 %' in found[0]["text"] and found[0]["used"] >= found[0]["limit"] // 2


def test_a_receiver_that_does_not_answer_is_named(receivers):
    gateway, hook, _, _ = receivers
    hook.shutdown()
    hook.server_close()
    done = gateway.weir.cli("alert", "test", "ops", check=False)
    assert done.returncode == 1 and "ops" in done.stdout and "alerts:" in done.stderr


def test_what_a_client_names_is_no_markup_of_slack():
    hook, chat = Receiver(), Receiver()
    configuration = f"""alerts:
  - {{name: hook, kind: webhook, url: "{hook.url}", secret: "${{ALERT_SECRET}}"}}
  - {{name: chat, kind: slack, url: "{chat.url}"}}
usage_limits:
  - {{name: turns, limit: 2, unit: requests, window: month, group_by: [session], mode: alert, alerts: [50]}}
"""
    name = "<!channel> <https://evil.example|your budget> &lt;"
    with gateway_with(configuration, environment={"ALERT_SECRET": SECRET}) as gateway:
        assert post(gateway.weir.url, "messages", gateway.key, x_weir_session=name).status == 200
        weirkit.wait_until(lambda: hook.posts and chat.posts, 20, "the alert")
    hook.shutdown()
    chat.shutdown()
    text = json.loads(chat.posts[0][1])["text"]
    assert "<" not in text and ">" not in text
    assert "&lt;!channel&gt; &lt;https://evil.example|your budget&gt; &amp;lt;" in text
    # The others get it as it is.
    assert name in hook.alerts()[0]["text"]


@pytest.fixture
def twice():
    """A gateway with a limit of ten turns, and two receivers."""
    first, second = Receiver(), Receiver()
    configuration = f"""alerts:
  - {{name: first, kind: webhook, url: "{first.url}", secret: "${{ALERT_SECRET}}"}}
  - {{name: second, kind: webhook, url: "{second.url}", secret: "${{ALERT_SECRET}}"}}
usage_limits:
  - {{name: turns, limit: 10, unit: requests, window: month, mode: alert, alerts: [50, 80]}}
"""
    with gateway_with(configuration, environment={"ALERT_SECRET": SECRET}) as gateway:
        yield gateway.weir, gateway.key, first, second
    first.shutdown()
    second.shutdown()


def turns(weir, key, count):
    for _ in range(count):
        post(weir.url, "messages", key)


def wait_until_noted(weir, *receivers):
    """What was delivered is owed no longer once that is noted; a kill before tells it again."""
    def is_noted():
        with contextlib.closing(sqlite3.connect(weir.data / "control.db")) as database:
            return not {row[0] for row in database.execute("SELECT receiver FROM alert_owed")} & set(receivers)

    weirkit.wait_until(is_noted, 20, "the note of what was delivered")


def test_what_was_told_is_not_told_again_after_a_kill(twice):
    weir, key, first, second = twice
    turns(weir, key, 6)
    for receiver in (first, second):
        weirkit.wait_until(receiver.alerts, 20, "the first share")
        assert [one["text"] for one in receiver.alerts()] == ['Limit "turns" has passed 50 %: 5 requests of 10 requests used.']
    wait_until_noted(weir, "first", "second")
    weir.kill()
    weir.start()
    # The counter is made anew, and passes its first share again as far as it knows: a message of its own would come at once.
    turns(weir, key, 1)
    turns(weir, key, 1)
    for receiver in (first, second):
        weirkit.wait_until(lambda: len(receiver.posts) > 1, 20, "the second share")
        assert [one["text"] for one in receiver.alerts(1)] == ['Limit "turns" has passed 80 %: 8 requests of 10 requests used.']


def test_a_receiver_that_failed_is_told_after_a_kill_and_the_others_are_not_told_again(twice):
    weir, key, first, second = twice
    second.status = 503
    turns(weir, key, 5)
    weirkit.wait_until(first.alerts, 20, "the first receiver's")
    weirkit.wait_until(second.alerts, 20, "the second receiver's, in vain")
    wait_until_noted(weir, "first")
    weir.kill()
    failed = len(second.posts)
    second.status = 204
    weir.start()
    weirkit.wait_until(lambda: second.alerts(failed), 20, "what is owed")
    assert [one["text"] for one in second.alerts(failed)] == ['Limit "turns" has passed 50 %: 5 requests of 10 requests used.']
    # What was delivered is owed no longer, and the first receiver was owed nothing.
    wait_until_noted(weir, "second")
    weir.kill()
    weir.start()
    turns(weir, key, 3)
    weirkit.wait_until(lambda: second.alerts(failed + 1), 20, "the second share")
    assert [one["text"] for one in second.alerts(failed + 1)] == ['Limit "turns" has passed 80 %: 8 requests of 10 requests used.']
    weirkit.wait_until(lambda: len(first.alerts()) > 1, 20, "the second share")
    assert len(first.alerts()) == 2
