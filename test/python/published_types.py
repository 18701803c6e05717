"""Holds values to the types that OpenAI, Anthropic and Open Responses publish as Python packages.

Each line of standard input is a JSON array of [type, JSON text] pairs. For each line one is printed: a JSON array with
null for a value that is what the type asks for, and else what is wrong with it. Validation is strict: a text is no
number. Types are `package/what`, for example `openai/Response` or `open-responses/event`.
"""

import json
import sys
import typing

import openresponses_types.types as open_responses
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError


def event_type(model) -> str:
    """The one value that its field `type` may have."""
    annotation = model.model_fields["type"].annotation
    return next(iter(annotation)).value if hasattr(annotation, "__members__") else typing.get_args(annotation)[0]


OPEN_RESPONSES_EVENTS = {
    event_type(model): TypeAdapter(model)
    for name, model in vars(open_responses).items()
    if name.endswith("StreamingEvent")
}

TYPES = {
    "open-responses/response": TypeAdapter(open_responses.ResponseResource),
    "openai/response": TypeAdapter(Response),
    "openai/event": TypeAdapter(ResponseStreamEvent),
    "openai/chat": TypeAdapter(ChatCompletion),
    "openai/chunk": TypeAdapter(ChatCompletionChunk),
    "openai/completion": TypeAdapter(Completion),
    "openai/embeddings": TypeAdapter(CreateEmbeddingResponse),
    "anthropic/message": TypeAdapter(Message),
    "anthropic/event": TypeAdapter(RawMessageStreamEvent),
    "anthropic/count": TypeAdapter(MessageTokensCount),
}


def fault(kind: str, text: str) -> str | None:
    adapter = TYPES.get(kind)
    if kind == "open-responses/event":
        name = json.loads(text).get("type")
        adapter = OPEN_RESPONSES_EVENTS.get(name)
        if adapter is None:
            return f"Open Responses has no event {name}"
    if adapter is None:
        return f"no type {kind}"
    try:
        adapter.validate_json(text, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:20])
    return None


print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps([fault(kind, text) for kind, text in json.loads(line)]), flush=True)
