"""What happens to a turn between two of its tries: a wait that ends badly, a configuration that changes meanwhile."""

import json

import pytest

import weirkit
from gateway import gateway_with
from scripted import Held, KeptClient, ScriptedProvider, answer


def failed(connection):
    connection.sendall(answer(b'{"error":{"message":"no"}}', "500 Internal Server Error"))
    return True


def whole(connection):
    connection.sendall(answer())
    return True


@pytest.fixture
def held():
    return Held(answer())


@pytest.fixture
def limited():
    return Held(answer(b'{"error":{"message":"slower"}}', "429 Too Many Requests"))


@pytest.fixture
def provider(held, limited):
    made = ScriptedProvider({"failed": failed, "held": held, "limited": limited, "whole": whole})
    yield made
    made.close()


def settled(gateway, case):
    return weirkit.wait_until(lambda: gateway.tagged(case), what=f"{case} in the ledger")[0]


def test_a_turn_that_finds_no_place_at_its_next_deployment_is_settled(provider, held):
    providers, prices = provider.configuration()
    rules = """
usage_limits:
  - {name: one-at-a-time, limit: 1, unit: concurrent, for: {model: held}, wait_milliseconds_max: 400}
routes:
  - {model: routed, deployments: [scripted/failed, scripted/held]}
"""
    with gateway_with(providers=providers, extra=prices + rules) as gateway:
        first = KeptClient(gateway)
        first.send("held", case="first")
        weirkit.wait_until(lambda: "held" in provider.asked, what="the place to be taken")
        assert KeptClient(gateway).ask("routed", case="second").status == 429
        turn = settled(gateway, "second")
        assert (turn["status"], turn["cost_nano_usd"], [one["status"] for one in turn["tries"]]) == (429, 0, [500]), turn
        held.may_answer.set()
        assert first.read().status == 200
        settled(gateway, "first")
        gateway.weir.stop()
        gateway.weir.start()
        assert "recovered" not in settled(gateway, "second")["flags"]


def test_a_turn_whose_next_deployment_has_no_credential_is_settled(provider):
    providers, prices = provider.configuration()
    with gateway_with(
            providers=providers + f"""  - name: az
    kind: azure-openai
    base_url: {provider.url}
    allow_private_addresses: true
    models: [whole]
    credential_source: entra
    client_id: abc
    client_secret: ${{ENTRA_SECRET}}
    tenant_id: acme
    token_url: http://127.0.0.1:{weirkit.free_port()}/token
""", extra=prices + "routes:\n  - {model: routed, deployments: [scripted/failed, az/whole], retries_max: 0}\n",
            environment={"ENTRA_SECRET": "secret"}) as gateway:
        assert KeptClient(gateway).ask("routed", case="lost").status >= 500
        turn = settled(gateway, "lost")
        assert turn["cost_nano_usd"] == 0 and "recovered" not in turn["flags"]
        gateway.weir.stop()
        gateway.weir.start()
        assert "recovered" not in settled(gateway, "lost")["flags"]


def test_a_credential_more_while_turns_wait_for_their_second(provider, limited):
    one, two, three = (f"{{key: \"${{SCRIPTED_{name}}}\", name: {name}}}" for name in "abc")
    providers, prices = provider.configuration(more=f"    api_keys: [{one}, {two}]\n")
    environment = {f"SCRIPTED_{name}": f"secret-{name}" for name in "abc"}
    with gateway_with(providers=providers, extra=prices + "routes:\n  - {model: routed, deployments: [scripted/limited]}\n",
                      environment=environment) as gateway:
        clients = [KeptClient(gateway) for _ in range(12)]
        for number, client in enumerate(clients):
            client.send("routed", case=f"turn-{number}")
        weirkit.wait_until(lambda: provider.asked.count("limited") == 12, what="all to be asked")
        path = gateway.weir.config_path
        path.write_text(path.read_text().replace(f"[{one}, {two}]", f"[{one}, {two}, {three}]"))
        assert gateway.admin("POST", "/config/reload", {})[0] == 200
        # One of the new configuration comes in between.
        other = KeptClient(gateway)
        other.send("routed", case="later")
        weirkit.wait_until(lambda: provider.asked.count("limited") == 13, what="it to be asked")
        limited.may_answer.set()
        assert {client.read().status for client in clients + [other]} == {429}
        for number in range(12):
            assert {one["credential"] for one in settled(gateway, f"turn-{number}")["tries"]} <= {"a", "b"}


def test_leave_to_reach_private_addresses_holds_on_every_event_loop():
    # Nobody speaks TLS there, so what is allowed fails otherwise.
    here = f"""  - name: here
    kind: openai-compatible
    base_url: https://127.0.0.1:{weirkit.free_port()}/v1
    allow_private_addresses: false
    models: [whole]
"""
    with gateway_with(providers=here, extra="event_loops: 3\n") as gateway:
        def asked():
            return {json.loads(KeptClient(gateway).ask("whole").body)["error"]["code"] for _ in range(9)}
        assert asked() == {"upstream_address_forbidden"}
        path, text = gateway.weir.config_path, gateway.weir.config_path.read_text()
        path.write_text(text.replace("allow_private_addresses: false", "allow_private_addresses: true"))
        assert gateway.admin("POST", "/config/reload", {})[0] == 200
        assert asked() == {"upstream_unreachable"}
        path.write_text(text)
        assert gateway.admin("POST", "/config/reload", {})[0] == 200
        assert asked() == {"upstream_address_forbidden"}
