"""What Weir sends to each provider, held against the providers' own SDKs: the golden requests of `Fixtures/translation/requests` are
what those types describe. No gateway runs here: `Tests/DialectsTests/Matrix` holds the code to these files."""

import json
import pathlib

import botocore.loaders
import botocore.model
import botocore.validate
import pydantic
import pytest
from anthropic.types import message_create_params
from google.genai import types
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

FOLDER = pathlib.Path(__file__).parents[2] / "Fixtures/translation/requests"
BODIES = [
    (dialect, f"{path.name.split('.')[0]}-{number}", group["body"])
    for path in sorted(FOLDER.glob("*.golden.json")) for dialect, groups in json.loads(path.read_text()).items()
    for number, group in enumerate(groups) if "body" in group]
MODEL = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2"))
TYPED = {
    "openai_chat": completion_create_params.CompletionCreateParamsNonStreaming,
    "openai_responses": response_create_params.ResponseCreateParamsNonStreaming,
    "anthropic_messages": message_create_params.MessageCreateParamsNonStreaming,
}


ADAPTERS = {dialect: pydantic.TypeAdapter(kind) for dialect, kind in TYPED.items()}


def walk(value):
    """Lists are validated as they are walked."""
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, str) or not hasattr(value, "__iter__"):
        return
    for item in value:
        walk(item)


def of(dialect):
    found = [(name, body) for one, name, body in BODIES if one == dialect]
    return pytest.mark.parametrize("body", [body for _, body in found], ids=[name for name, _ in found])


def test_every_dialect_has_bodies():
    assert {dialect for dialect, _, _ in BODIES} >= {*TYPED, "bedrock_converse", "bedrock_invoke", "gemini", "ollama"}


@of("bedrock_converse")
def test_converse_is_as_botocore_has_it(body):
    report = botocore.validate.ParamValidator().validate({**body, "modelId": "m"}, MODEL.operation_model("Converse").input_shape)
    assert not report.has_errors(), report.generate_report()
    for message in body["messages"]:
        assert message["content"]


@of("gemini")
def test_gemini_is_as_its_sdk_has_it(body):
    assert set(body) <= {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier"}
    for content in body["contents"] + ([body["systemInstruction"]] if "systemInstruction" in body else []):
        assert types.Content.model_validate(content).parts
    for tool in body.get("tools", []):
        assert types.Tool.model_validate(tool).function_declarations
    types.ToolConfig.model_validate(body.get("toolConfig", {}))
    types.GenerationConfig.model_validate(body["generationConfig"])


@pytest.mark.parametrize("dialect,body", [(dialect, body) for dialect, _, body in BODIES if dialect in TYPED],
                         ids=[f"{dialect}-{name}" for dialect, name, _ in BODIES if dialect in TYPED])
def test_the_others_are_as_their_sdks_have_them(dialect, body):
    kind, body = TYPED[dialect], as_listed(dialect, body)
    assert set(body) <= kind.__optional_keys__ | kind.__required_keys__
    walk(ADAPTERS[dialect].validate_python(body))


def as_listed(dialect, body):
    """The body less what the servers take and the newest types leave out."""
    if dialect == "anthropic_messages":
        # Claude 4 still samples; the types are of the models after it.
        return {name: value for name, value in body.items() if name not in ("temperature", "top_p", "top_k")}
    for item in body.get("input", []):
        if item.get("role") == "assistant":
            # A message of the model's has an id only where it is stored; Codex sends none either.
            item |= {"id": "msg", "status": "completed"}
            for part in item["content"]:
                part.setdefault("annotations", [])
        for part in [*(item.get("content") or []), *(item["output"] if isinstance(item.get("output"), list) else [])]:
            if part["type"] == "input_image":
                part.setdefault("detail", "auto")
    return body
