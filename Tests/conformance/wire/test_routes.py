"""Routes on the real binary: a first provider that fails in every way a provider can, and a second that serves. No turn is lost that
the second could have served before the first byte, none is served twice, and each try is in the ledger with its cost."""

import threading
import time

import pytest

import weirkit
from rawhttp import request
from rawprovider import OK, answer_ok, answering, chunked, plain
from routekit import END, SSE, USAGE, event, failing, hang, ready, reset, running_pair


@pytest.fixture(scope="module")
def pair():
    with running_pair() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(pair):
    pair.forget()


def drip(_, connection):
    """A head, one byte in a while."""
    try:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}":
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
    except OSError:
        pass
    return False


def cut_after_head(_, connection):
    connection.sendall(SSE)
    time.sleep(0.1)
    return False


def cut_json(_, connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + OK[:100])
    return False


ERROR_EVENT = chunked([b'data: {"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}\n\n'])

# case: what the first provider does, the class in its line, whether the try may have been billed
FAULTS = {
    "resets before its head": (reset, 0, "upstream_closed", True),
    "answers garbage": (answering(b"garbage\r\n\r\n", keep=False), 0, "upstream_malformed", True),
    "hangs": (hang, 0, "upstream_timeout", True),
    "drips its head": (drip, 0, "upstream_timeout", True),
    "500": (failing("500 No"), 500, "http_500", False),
    "502 as a page": (answering(plain(b"<html>", "text/html", "502 Bad Gateway")), 502, "http_502", False),
    "503": (failing("503 No"), 503, "http_503", False),
    "529": (failing("529 No"), 529, "http_529", False),
    "429 without advice": (failing("429 No"), 429, "http_429", False),
    "429 for long": (failing("429 No", "Retry-After: 60"), 429, "http_429", False),
    "401": (failing("401 No"), 401, "http_401", False),
    "402": (failing("402 No"), 402, "http_402", False),
    "breaks off in a whole answer": (cut_json, 200, "upstream_closed", True),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", FAULTS)
def test_a_turn_goes_on_at_the_next_deployment(pair, case, stream):
    fault, status, error, may_cost = FAULTS[case]
    ready(pair, "first/m")
    pair.first.answer = fault
    if stream:
        pair.second.answer = answering(chunked([event(b"good"), USAGE, END]))
    response = pair.ask(stream=stream)
    assert response.status == 200, response.body
    assert response["x-weir-deployment"] == "second/m" and response["x-weir-route"] == "pair"
    assert (b"good" in response.body) if stream else response.body == OK
    # A kept connection that closes without a word is asked once more on a new one.
    assert pair.served()[1] == 1 and pair.served()[0] in (1, 2)
    turn = pair.turn(response)
    tries = [one for one in turn["tries"] if one.get("error") != "stale_connection"]
    assert [(one["deployment"], one["status"], one.get("error")) for one in tries] == [
        ("first/m", status, error), ("second/m", 200, None)]
    assert (turn["status"], turn.get("error"), turn["deployment"]) == (200, None, "second/m")
    assert (tries[0]["cost_nano_usd"] > 0) == may_cost == ("estimated" in turn["flags"])
    own = 11 * 1000 if stream else 2 * 1000
    assert tries[1]["cost_nano_usd"] == own
    assert turn["cost_nano_usd"] == sum(one["cost_nano_usd"] for one in turn["tries"])
    if not stream:
        assert int(response["x-weir-cost-nano-usd"]) == turn["cost_nano_usd"]


def test_a_deployment_that_cannot_be_reached_costs_nothing(pair):
    response = pair.ask("dead")
    turn = pair.turn(response)
    assert response.status == 200 and turn["tries"][0]["error"] == "upstream_unreachable"
    assert turn["tries"][0]["cost_nano_usd"] == 0 and "estimated" not in turn["flags"]


def test_a_stream_that_ends_or_fails_before_its_first_event_goes_on(pair):
    for fault in (cut_after_head, answering(ERROR_EVENT)):
        pair.forget()
        pair.first.answer = fault
        pair.second.answer = answering(chunked([event(b"good"), USAGE, END]))
        response = pair.ask(stream=True)
        assert response.status == 200 and b"good" in response.body and b"overloaded" not in response.body
        assert len(pair.turn(response)["tries"]) >= 2


def test_nothing_is_tried_again_once_a_byte_has_gone_out(pair):
    def cut(_, connection):
        connection.sendall(SSE + b"%x\r\n%s\r\n" % (len(event(b"half")), event(b"half")))
        time.sleep(0.2)
        return False

    pair.first.answer = cut
    with pair.running.client() as client:
        client.send(request(pair.running.key, b'{"model":"pair","stream":true,"messages":[]}'))
        seen = b""
        while True:
            try:
                piece = client.socket.recv(65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    assert seen.count(b"half") == 1 and b"good" not in seen
    assert pair.served() == (1, 0)


def test_what_is_the_requests_fault_goes_to_the_client_at_once(pair):
    for status in ("400 Bad Request", "404 Not Found", "422 No"):
        pair.forget()
        body = b'{"error":{"message":"your fault","code":"bad"}}'
        pair.first.answer = failing(status, "X-Own: yes", body=body)
        response = pair.ask()
        assert response.status == int(status[:3]) and response.body == body and response["x-own"] == "yes"
        assert pair.served() == (1, 0)


def test_a_deployment_kept_for_long_contexts_takes_over(pair):
    pair.first.answer = failing("400 No", body=b'{"error":{"code":"context_length_exceeded","message":"too long"}}')
    response = pair.ask("long")
    assert response.status == 200 and response["x-weir-deployment"] == "second/long"
    pair.first.answer = failing("429 No", body=b'{"error":{"message":"slow down"}}')
    assert pair.ask("long").status == 429


def test_a_short_wait_is_waited_and_the_turn_stays(pair):
    ready(pair, "first/m")
    answers = [failing("429 No", "Retry-After-Ms: 300"), answer_ok]
    pair.first.answer = lambda received, connection: answers.pop(0)(received, connection)
    began = time.monotonic()
    response = pair.ask()
    assert response.status == 200 and response["x-weir-deployment"] == "first/m"
    assert time.monotonic() - began >= 0.3 and pair.served() == (2, 0)
    assert [one["status"] for one in pair.turn(response)["tries"]] == [429, 200]


def test_the_only_deployment_is_asked_again_and_then_its_answer_passes(pair):
    ready(pair, "first/m")
    pair.first.answer = failing("503 No", "Retry-After: 0", body=b'{"error":{"message":"busy"}}')
    response = pair.ask("alone")
    assert response.status == 503 and response.body == b'{"error":{"message":"busy"}}'
    assert pair.served() == (2, 0) and response["retry-after"] == "0"
    assert pair.turn(response)["error"] == "upstream_503"


def test_a_turn_ends_with_its_deadline(pair):
    ready(pair, "first/m")
    pair.first.answer = hang
    # The provider would hang for longer and then close, which is a 502.
    response = pair.ask("hurried")
    assert response.status == 504 and pair.served() == (1, 0)


def test_many_turns_over_a_failing_provider_are_all_served_once(pair):
    ready(pair, "first/m")
    count = 0
    lock = threading.Lock()

    def flaky(received, connection):
        nonlocal count
        with lock:
            count += 1
            number = count
        return (answer_ok, failing("500 No"), reset)[number % 3](received, connection)

    pair.first.answer = flaky
    ids, errors = [], []

    def caller():
        for _ in range(20):
            response = pair.ask()
            (ids if response.status == 200 and response.body == OK else errors).append(response["x-weir-request-id"])

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(set(ids)) == 160
    turns = pair.running.turns(ids)
    assert all(turns[one]["status"] == 200 for one in ids)
    good = sum(one["status"] == 200 for id in ids for one in turns[id]["tries"])
    assert good == 160, "each turn was served by one try"
