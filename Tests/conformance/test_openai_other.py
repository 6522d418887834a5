"""The official OpenAI SDK on what is older or smaller than chat: completions, embeddings, models."""

import openai
import pytest

from listed import assert_turn, chat_classes, nonzero


def test_completions_whole_and_streamed(gateway):
    client = gateway.openai()
    answer = client.completions.create(model="gpt-4o-mini", prompt="Once")
    assert answer.choices[0].text.startswith("The task is done.")
    assert_turn(
        gateway.last_turn(), "gpt-4o-mini", chat_classes(answer.usage), endpoint="completions", finish_reason="stop")

    chunks = list(client.completions.create(
        model="gpt-4o-mini", prompt="Once", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == answer.choices[0].text
    assert_turn(gateway.last_turn(), "gpt-4o-mini", chat_classes(chunks[-1].usage), endpoint="completions", stream=True)


def test_streamed_completions_hide_the_usage_that_nobody_asked_for(gateway):
    chunks = list(gateway.openai().completions.create(model="gpt-4o-mini", prompt="Once", stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert gateway.last_turn()["usage_source"] == "provider"


def test_embeddings_cost_their_input(gateway):
    answer = gateway.openai().embeddings.create(model="text-embedding-3-small", input="words")
    assert answer.data[0].embedding == [0.25, -0.5, 0.125]
    assert_turn(
        gateway.last_turn(), "text-embedding-3-small", nonzero(input=answer.usage.prompt_tokens), endpoint="embeddings")


def test_models_are_listed_and_retrieved(gateway):
    client = gateway.openai()
    ids = [model.id for model in client.models.list()]
    assert {"gpt-5.4-mini", "claude-opus-5-5"} <= set(ids)
    model = client.models.retrieve("gpt-5.4-mini")
    assert (model.id, model.object, model.owned_by) == ("gpt-5.4-mini", "model", "simulated")
    with pytest.raises(openai.NotFoundError, match="no-such-model"):
        client.models.retrieve("no-such-model")


def test_a_key_lists_only_what_it_may_use(gateway):
    key = gateway.weir.key("--model", "gpt-5*")
    ids = {model.id for model in gateway.openai(key).models.list()}
    assert "gpt-5.4-mini" in ids and all(id.startswith("gpt-5") for id in ids)


def test_a_model_may_be_asked_for_with_its_provider(gateway):
    answer = gateway.openai().chat.completions.create(
        model="simulated/gpt-5-mini", messages=[{"role": "user", "content": "Hi"}])
    assert gateway.sent()["model"] == answer.model == "gpt-5-mini"
    turn = gateway.last_turn()
    assert (turn["model_asked"], turn["deployment"]) == ("simulated/gpt-5-mini", "simulated/gpt-5-mini")
