"""A budget under a route: a turn that goes on at another deployment gives back what the first try held, and is counted once."""

import pytest

from gateway import gateway_with
from raw import post

ROUTES = """  - name: gone
    kind: openai-compatible
    base_url: http://127.0.0.1:1/v1
    price_provider: openai
    allow_private_addresses: true
    models: [gpt-5.4]
routes:
  - model: sturdy
    deployments: [gone/gpt-5.4, simulated/gpt-5.4-mini]
budgets:
  - {name: strict, usd: "1000", window: month, zone: UTC}
  - {name: elastic, usd: "1000", window: month, zone: UTC, mode: elastic}
  - {name: dear, usd: "1000", window: month, zone: UTC, for: {model: gpt-5.4}}
"""
BODY = {"model": "sturdy", "messages": [{"role": "user", "content": "Once."}], "max_tokens": 50}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a_turn_that_falls_back_is_counted_once_and_holds_nothing_when_it_is_over(streams):
    with gateway_with(extra=ROUTES) as gateway:
        for _ in range(5):
            answer = post(gateway.weir.url, "chat", gateway.key, {**BODY, "stream": streams})
            assert answer.status == 200
        turns = gateway.turns()
        assert len(turns) == 5 and all(turn["deployment"] == "simulated/gpt-5.4-mini" for turn in turns)
        assert all([one["deployment"] for one in turn["tries"]] == ["gone/gpt-5.4", "simulated/gpt-5.4-mini"] for turn in turns[-1:])
        cost = sum(turn["cost_nano_usd"] for turn in turns)
        assert cost > 0
        for name in ("strict", "elastic"):
            counter, = gateway.weir.json("budget", "show", name)["counters"]
            assert (counter["used"], counter["reserved"]) == (cost, 0), name
        # What was never served by the dear model costs its budget nothing.
        assert all(one["used"] == one["reserved"] == 0 for one in gateway.weir.json("budget", "show", "dear")["counters"])
