"""Routes over deployments that speak different dialects: a fallback says the request anew from the client's own bytes, either way round;
and a turn that continues a stored response goes to its maker."""

import json

import pytest

from rawprovider import Provider, answer_ok, plain
from routekit import failing, provider_lines
from wiregateway import gateway

MESSAGE = json.dumps({
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "ok"}],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 4}}).encode()
ASKED = {"model": "both", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
ROUTES = """
event_loops: 1
prices:
  - {provider: chat, model: "*", input: "1", output: "1"}
  - {provider: messages, model: "*", input: "10", output: "10"}
routes:
  - {model: both, affinity: none, breaker: {failures_max: 1000}, deployments: [messages/m, chat/m]}
  - {model: other, affinity: none, breaker: {failures_max: 1000}, deployments: [chat/m, messages/m]}
  - {model: stored, affinity: none, pick: weight, deployments: [keeper/r, again/r]}
"""


def response_of(number):
    return json.dumps({
        "id": f"resp_{number}", "object": "response", "status": "completed", "model": "r", "output": [],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}).encode()


@pytest.fixture(scope="module")
def stage():
    chat, messages, again = Provider(), Provider(), Provider()
    lines = provider_lines("chat", chat.port, "    dialects: [openai_chat]\n")
    lines += provider_lines("keeper", chat.port) + provider_lines("again", again.port)
    lines += f"""  - name: messages
    kind: anthropic-compatible
    base_url: http://127.0.0.1:{messages.port}
    allow_private_addresses: true
    price_provider: messages
    models: ["*"]
"""
    with gateway(lines + ROUTES) as running:
        yield running, chat, messages, again
    for one in (chat, messages, again):
        one.close()


@pytest.fixture(autouse=True)
def fresh(stage):
    _, chat, messages, again = stage
    for one in (chat, messages, again):
        one.forget()
    chat.answer, again.answer = answer_ok, answer_ok
    messages.answer = lambda received, connection: connection.sendall(plain(MESSAGE)) or True


def test_a_messages_client_is_answered_by_a_chat_deployment(stage):
    running, chat, messages, _ = stage
    messages.answer = failing("529 Overloaded", body=b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}')
    response = running.call(json.dumps(ASKED).encode(), path="/v1/messages")
    answer = json.loads(response.body)
    assert response.status == 200 and answer["type"] == "message" and answer["content"][0]["text"] == "ok"
    assert response["x-weir-deployment"] == "chat/m"
    assert messages.requests[0].body == json.dumps(dict(ASKED, model="m")).encode(), "the first try is the client's own bytes"
    sent = json.loads(chat.requests[0].body)
    assert sent["model"] == "m" and sent["messages"] == ASKED["messages"] and chat.requests[0].target == "/v1/chat/completions"
    turn = running.turn(response["x-weir-request-id"])
    assert "translated" in turn["flags"] and [one["status"] for one in turn["tries"]] == [529, 200]
    assert turn["cost_nano_usd"] == 2 * 1000


def test_a_chat_deployment_that_fails_is_followed_by_the_clients_own_dialect(stage):
    running, chat, messages, _ = stage
    chat.answer = failing("500 No")
    body = json.dumps(dict(ASKED, model="other", unknown={"kept": [1]})).encode()
    response = running.call(body, path="/v1/messages")
    assert response.status == 200 and response.body == MESSAGE
    assert messages.requests[0].body == body.replace(b'"other"', b'"m"'), "nothing of the translation is left"
    turn = running.turn(response["x-weir-request-id"])
    assert "translated" not in turn["flags"] and turn["cost_nano_usd"] == 7 * 10_000


def test_an_error_that_nobody_mends_comes_in_the_clients_dialect(stage):
    running, chat, messages, _ = stage
    messages.answer = failing("529 Overloaded", body=b'{"type":"error","error":{"type":"overloaded_error","message":"first"}}')
    chat.answer = failing("500 No", "Retry-After: 0", body=b'{"error":{"message":"second","type":"server_error"}}')
    response = running.call(json.dumps(ASKED).encode(), path="/v1/messages")
    answer = json.loads(response.body)
    assert response.status == 500 and answer["type"] == "error" and "second" in answer["error"]["message"]
    # The last one is asked again once.
    assert (len(messages.requests), len(chat.requests)) == (1, 2)


def test_what_continues_a_stored_response_goes_to_its_maker(stage):
    running, chat, _, again = stage
    for number, one in enumerate((chat, again)):
        one.answer = lambda received, connection, number=number: connection.sendall(plain(response_of(f"{number}"))) or True
    makers = {}
    for _ in range(12):
        response = running.call(b'{"model":"stored","input":"hi"}', path="/v1/responses")
        makers[json.loads(response.body)["id"]] = response["x-weir-deployment"]
    assert set(makers.values()) == {"keeper/r", "again/r"}
    for name, maker in makers.items():
        for _ in range(5):
            body = b'{"model":"stored","input":"on","previous_response_id":"%s"}' % name.encode()
            response = running.call(body, path="/v1/responses")
            assert response.status == 200 and response["x-weir-deployment"] == maker
        turn = running.turn(response["x-weir-request-id"])
        assert turn["routing"]["reason"] == "response" and turn["routing"]["forced"]
    # Its maker fails: nobody else is asked.
    name, _ = next(pair for pair in makers.items() if pair[1] == "keeper/r")
    chat.answer = failing("500 No")
    again.forget()
    response = running.call(
        b'{"model":"stored","input":"on","previous_response_id":"%s"}' % name.encode(), path="/v1/responses")
    assert response.status == 500 and not again.requests


def test_models_lists_the_routes(stage):
    running = stage[0]
    listed = json.loads(running.call(b"", path="/v1/models", method="GET").body)["data"]
    assert {"both", "other", "stored"} <= {one["id"] for one in listed}


def test_the_command_line_lists_them(stage):
    running = stage[0]
    assert running.weir.cli("route", "list").stdout.count("\n") == 4
    shown = running.weir.json("route", "show", "both")
    assert [one["deployment"] for one in shown["deployments"]] == ["messages/m", "chat/m"] and shown["pick"] == "order"
    assert {one["name"] for one in running.weir.json("provider", "list")["data"]} >= {"chat", "messages", "keeper"}
    assert running.weir.cli("route", "show", "nothing", check=False).returncode == 1
