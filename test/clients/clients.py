"""Real Python clients against a running gateway, each used as its own documentation shows.

    python clients.py BASE_URL KEY

Prints one JSON line for each check: {"client", "what", "error"}, where error is null or a traceback. All clients share
one process, because most of the time goes into importing them.
"""

import asyncio
import json
import os
import sys
import traceback

# Neither may ask the internet for what it has in its own folder.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["AGNO_TELEMETRY"] = "false"

from pydantic import BaseModel

URL, KEY = sys.argv[1:3]
# A pinned provider, so that every answer has a known price.
MODEL = "together/llama-3.3-70b-instruct"
CAPITAL = "What is the capital of the California?"
WEATHER = "What is the weather in Lima? Use get_weather."
LIMA = "The city is Lima."
GET_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    city: str


asked: list[str] = []


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city (str): Its name.
    """
    asked.append(city)
    return "19 degrees"


def said(content):
    return [{"role": "user", "content": content}]


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")


def holds(text, part):
    if part not in (text or ""):
        raise AssertionError(f"{text!r} does not hold {part!r}")


def is_cost(cost):
    if not isinstance(cost, (int, float)) or isinstance(cost, bool) or cost <= 0:
        raise AssertionError(f"{cost!r} is no cost")


CHECKS = []


def check(client, what):
    def add(run):
        CHECKS.append((client, what, run))
        return run

    return add


# openai


def openai_client():
    from openai import OpenAI

    return OpenAI(base_url=URL, api_key=KEY, max_retries=0)


@check("openai", "chats")
def _():
    answer = openai_client().chat.completions.create(model=MODEL, messages=said(CAPITAL))
    holds(answer.choices[0].message.content, "Sacramento")
    is_cost(answer.usage.cost)


@check("openai", "streams, with usage")
def _():
    stream = openai_client().chat.completions.create(
        model=MODEL, messages=said(CAPITAL), stream=True, stream_options={"include_usage": True}
    )
    text, total = "", 0
    for chunk in stream:
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        total += chunk.usage.total_tokens if chunk.usage else 0
    holds(text, "Sacramento")
    equal(total > 0, True)


@check("openai", "parses a schema")
def _():
    answer = openai_client().chat.completions.parse(model=MODEL, messages=said(LIMA), response_format=City)
    equal(answer.choices[0].message.parsed, City(city="Lima"))


@check("openai", "calls a tool")
def _():
    answer = openai_client().chat.completions.create(model=MODEL, messages=said(WEATHER), tools=[GET_WEATHER])
    (call,) = answer.choices[0].message.tool_calls
    equal((call.function.name, json.loads(call.function.arguments)), ("get_weather", {"city": "Lima"}))


@check("openai", "streams a response that calls a tool, and goes on from it")
def _():
    client = openai_client()
    tool = {"type": "function", "strict": False, **GET_WEATHER["function"]}
    asked = {"model": MODEL, "tools": [tool], "store": False}
    with client.responses.stream(input=said(WEATHER), **asked) as stream:
        first = stream.get_final_response()
    call = first.output[-1]
    equal(json.loads(call.arguments), {"city": "Lima"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": '{"celsius": 19}'}
    second = client.responses.create(input=[*said(WEATHER), *first.output, result], **asked)
    holds(second.output_text, "19")
    is_cost(second.usage.cost)


@check("openai", "parses a response by a schema")
def _():
    answer = openai_client().responses.parse(model=MODEL, input=LIMA, text_format=City)
    equal(answer.output_parsed, City(city="Lima"))


@check("openai", "completes")
def _():
    answer = openai_client().completions.create(model="llama-2-70b", prompt="The typical color of the sky is: ")
    holds(answer.choices[0].text.lower(), "blue")


@check("openai", "raises its own errors")
def _():
    import openai

    try:
        openai_client().chat.completions.create(model="no-such-model", messages=said("Hi"))
    except openai.NotFoundError as error:
        equal(error.code, "model_not_found")
    else:
        raise AssertionError("nothing was raised")


# agno


def agno_agent(**more):
    from agno.agent import Agent
    from agno.models.openai.like import OpenAILike

    return Agent(model=OpenAILike(id=MODEL, base_url=URL, api_key=KEY), telemetry=False, **more)


@check("agno", "chats, and adds up what it cost")
def _():
    answer = agno_agent().run(CAPITAL)
    holds(answer.content, "Sacramento")
    is_cost(answer.metrics.cost)


@check("agno", "streams")
def _():
    text = "".join(getattr(event, "content", None) or "" for event in agno_agent().run(CAPITAL, stream=True))
    holds(text, "Sacramento")


@check("agno", "runs a tool, over two calls that each cost something")
def _():
    asked.clear()
    answer = agno_agent(tools=[get_weather]).run(WEATHER)
    equal(asked, ["Lima"])
    holds(answer.content, "19")
    is_cost(answer.metrics.cost)


# litellm


def litellm_call(content, **more):
    import litellm

    return litellm.completion(model=f"openai/{MODEL}", api_base=URL, api_key=KEY, messages=said(content), **more)


@check("litellm", "chats")
def _():
    answer = litellm_call(CAPITAL)
    holds(answer.choices[0].message.content, "Sacramento")
    equal(answer.usage.total_tokens > 0, True)


@check("litellm", "streams")
def _():
    stream = litellm_call(CAPITAL, stream=True)
    holds("".join(chunk.choices[0].delta.content or "" for chunk in stream), "Sacramento")


@check("litellm", "calls a tool")
def _():
    (call,) = litellm_call(WEATHER, tools=[GET_WEATHER]).choices[0].message.tool_calls
    equal((call.function.name, json.loads(call.function.arguments)), ("get_weather", {"city": "Lima"}))


@check("litellm", "raises ContextWindowExceededError for a prompt that is too long")
def _():
    import litellm

    try:
        litellm_call("word " * 200_000)
    except litellm.ContextWindowExceededError:
        return
    raise AssertionError("nothing was raised")


# instructor


def instructor_client(**more):
    import instructor

    return instructor.from_openai(openai_client(), **more)


@check("instructor", "fills a model by a tool")
def _():
    answer = instructor_client().chat.completions.create(model=MODEL, response_model=City, messages=said(LIMA))
    equal(answer.city, "Lima")


@check("instructor", "fills a model by a JSON schema")
def _():
    import instructor

    client = instructor_client(mode=instructor.Mode.JSON_SCHEMA)
    answer = client.chat.completions.create(model=MODEL, response_model=City, messages=said(LIMA))
    equal(answer.city, "Lima")


@check("instructor", "fills a model by plain JSON")
def _():
    import instructor

    client = instructor_client(mode=instructor.Mode.JSON)
    answer = client.chat.completions.create(model=MODEL, response_model=City, messages=said(LIMA))
    equal(answer.city, "Lima")


@check("instructor", "streams a model that fills up")
def _():
    chat = instructor_client().chat.completions
    parts = [part.city for part in chat.create_partial(model=MODEL, response_model=City, messages=said(LIMA))]
    equal(parts[-1], "Lima")


# pydantic-ai


def pydantic_agent(**more):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return Agent(OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=URL, api_key=KEY)), **more)


@check("pydantic-ai", "chats")
def _():
    answer = pydantic_agent().run_sync(CAPITAL)
    holds(answer.output, "Sacramento")


@check("pydantic-ai", "streams")
def _():
    async def stream():
        async with pydantic_agent().run_stream(CAPITAL) as answer:
            return [piece async for piece in answer.stream_text(delta=True)]

    pieces = asyncio.run(stream())
    holds("".join(pieces), "Sacramento")


@check("pydantic-ai", "fills a model")
def _():
    equal(pydantic_agent(output_type=City).run_sync(LIMA).output, City(city="Lima"))


@check("pydantic-ai", "runs a tool")
def _():
    asked.clear()
    answer = pydantic_agent(tools=[get_weather]).run_sync(WEATHER)
    equal(asked, ["Lima"])
    holds(answer.output, "19")


# Embeddings: nearest neighbours of a small corpus.

EMBEDDING_MODEL = "titan-embed-text-v2"
CORPUS = [
    "The llama carries loads over the passes of the Andes.",
    "A black hole is a region of space from which no light escapes.",
    "Sourdough bread rises slowly, because its yeast is wild.",
]


def nearest(vectors, vector):
    def near(other):
        return sum(a * b for a, b in zip(other, vector, strict=True))

    return max(range(len(vectors)), key=lambda at: near(vectors[at]))


@check("embeddings", "openai, in base64 and as numbers")
def _():
    client = openai_client()
    usual = client.embeddings.create(model=EMBEDDING_MODEL, input=CORPUS)
    floats = client.embeddings.create(model=EMBEDDING_MODEL, input=CORPUS, encoding_format="float")
    vectors = [row.embedding for row in usual.data]
    equal([row.index for row in usual.data], [0, 1, 2])
    equal(max(abs(a - b) for a, b in zip(vectors[1], floats.data[1].embedding, strict=True)) < 1e-6, True)
    asked = client.embeddings.create(model=EMBEDDING_MODEL, input="Does light escape a black hole?", dimensions=1024)
    equal(nearest(vectors, asked.data[0].embedding), 1)


def langchain_embeddings(**more):
    from langchain_openai import OpenAIEmbeddings

    return OpenAIEmbeddings(model=EMBEDDING_MODEL, base_url=URL, api_key=KEY, max_retries=0, **more)


@check("embeddings", "langchain, with check_embedding_ctx_length=False")
def _():
    embeddings = langchain_embeddings(check_embedding_ctx_length=False)
    vectors = embeddings.embed_documents(CORPUS)
    equal(nearest(vectors, embeddings.embed_query("Why does sourdough rise slowly?")), 2)


@check("embeddings", "langchain, whose token ids are refused with the way out")
def _():
    import langchain_openai.embeddings.base as base
    from openai import BadRequestError

    class Codes:
        """tiktoken would load its vocabulary from the internet."""

        def encode_ordinary(self, text):
            return [ord(letter) for letter in text]

        def encode(self, text, **_):
            return self.encode_ordinary(text)

    base.tiktoken.encoding_for_model = lambda *_: Codes()
    base.tiktoken.get_encoding = lambda *_: Codes()
    try:
        langchain_embeddings().embed_query("Cusco")
    except BadRequestError as error:
        holds(str(error), "check_embedding_ctx_length=False")
        return
    raise AssertionError("nothing was raised")


@check("embeddings", "litellm, as graphrag embeds")
def _():
    import litellm

    def embedded(texts):
        answer = litellm.embedding(model=f"openai/{EMBEDDING_MODEL}", api_base=URL, api_key=KEY, input=texts)
        equal(answer.usage.prompt_tokens > 0, True)
        return [row["embedding"] for row in answer.data]

    vectors = embedded(CORPUS)
    equal(nearest(vectors, embedded(["Which animal carries loads over the Andes?"])[0]), 0)


# graphrag: the package that its index and its queries call models with, as `models` of settings.yaml configure it


def graphrag_config(model, **more):
    from unittest.mock import MagicMock

    # Imported for tables on disk, which no call of a model touches.
    sys.modules.setdefault("pandas", MagicMock())
    from graphrag_llm.config import ModelConfig

    return ModelConfig(model_provider="openai", model=model, api_base=URL, api_key=KEY, **more)


def graphrag_completion(model=MODEL, **more):
    config = graphrag_config(model, **more)
    from graphrag_llm.completion import create_completion

    return create_completion(config)


@check("graphrag", "chats, at once and in a stream")
def _():
    completion = graphrag_completion(call_args={"temperature": 0, "max_tokens": 500})
    answer = completion.completion(messages=CAPITAL)
    holds(answer.content, "Sacramento")
    assert answer.usage.total_tokens > 0, answer.usage
    stream = completion.completion(messages=said(CAPITAL), stream=True)
    holds("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices), "Sacramento")


@check("graphrag", "fills a model, as its reports do")
def _():
    answer = graphrag_completion("together/gpt-oss-120b").completion(messages=LIMA, response_format=City)
    equal(answer.formatted_response, City(city="Lima"))


@check("graphrag", "goes on from an earlier answer, as its extraction of entities does, many at once")
def _():
    completion = graphrag_completion()

    async def extract():
        first = await completion.completion_async(messages=CAPITAL)
        history = [*said(CAPITAL), {"role": "assistant", "content": first.content}, *said(CAPITAL)]
        return await asyncio.gather(*(completion.completion_async(messages=history) for _ in range(8)))

    for answer in asyncio.run(extract()):
        holds(answer.content, "Sacramento")


@check("graphrag", "embeds")
def _():
    config = graphrag_config(EMBEDDING_MODEL)
    from graphrag_llm.embedding import create_embedding

    embedding = create_embedding(config)
    vectors = embedding.embedding(input=CORPUS).embeddings
    asked_for = asyncio.run(embedding.embedding_async(input=["Which animal carries loads over the Andes?"]))
    equal(nearest(vectors, asked_for.first_embedding), 0)


# openai-agents, which speaks Responses unless it is told otherwise. It takes what stands before a slash in the name of a
# model for a provider of its own.


def agent(model=MODEL.split("/")[-1], **more):
    from agents import Agent, set_default_openai_client, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    set_default_openai_client(AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0))
    return Agent(name="Guide", model=model, **more)


@check("openai-agents", "answers, and knows its tokens")
def _():
    from agents import Runner

    result = Runner.run_sync(agent(instructions="Be brief."), CAPITAL)
    holds(result.final_output, "Sacramento")
    assert result.context_wrapper.usage.input_tokens > 0, result.context_wrapper.usage


@check("openai-agents", "streams")
def _():
    from agents import Runner

    async def streamed():
        result = Runner.run_streamed(agent(), CAPITAL)
        events = [event async for event in result.stream_events() if event.type == "raw_response_event"]
        return "".join(event.data.delta for event in events if event.data.type == "response.output_text.delta")

    holds(asyncio.run(streamed()), "Sacramento")


@check("openai-agents", "runs a tool, and thinks while it does")
def _():
    from agents import Runner, function_tool

    for model in ("llama-3.3-70b-instruct", "gpt-oss-120b"):
        asked.clear()
        result = Runner.run_sync(agent(model, tools=[function_tool(get_weather)]), WEATHER)
        equal(asked, ["Lima"])
        holds(result.final_output, "19 degrees")
        # The next turn has all items of the ones before.
        again = Runner.run_sync(agent(model), [*result.to_input_list(), *said(CAPITAL)])
        holds(again.final_output, "Sacramento")


@check("openai-agents", "fills a model")
def _():
    from agents import Runner

    equal(Runner.run_sync(agent(output_type=City), LIMA).final_output, City(city="Lima"))


# langchain-openrouter


def openrouter_chat():
    from langchain_openrouter import ChatOpenRouter

    return ChatOpenRouter(model=MODEL, base_url=URL, api_key=KEY, max_retries=0)


@check("langchain-openrouter", "chats, and knows what it cost")
def _():
    answer = openrouter_chat().invoke(CAPITAL)
    holds(answer.text, "Sacramento")
    is_cost(answer.response_metadata["cost"])


@check("langchain-openrouter", "streams")
def _():
    holds("".join(chunk.text for chunk in openrouter_chat().stream(CAPITAL)), "Sacramento")


@check("langchain-openrouter", "calls a tool")
def _():
    (call,) = openrouter_chat().bind_tools([get_weather]).invoke(WEATHER).tool_calls
    equal((call["name"], call["args"]), ("get_weather", {"city": "Lima"}))


@check("langchain-openrouter", "fills a model")
def _():
    equal(openrouter_chat().with_structured_output(City).invoke(LIMA), City(city="Lima"))


# anthropic

GET_WEATHER_MESSAGES = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": GET_WEATHER["function"]["parameters"],
}
THINKS = "together/gpt-oss-120b"


def anthropic():
    import anthropic

    return anthropic.Anthropic(base_url=URL.removesuffix("/v1"), api_key=KEY, max_retries=0)


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


@check("anthropic", "answers")
def _():
    answer = anthropic().messages.create(model=MODEL, max_tokens=100, messages=said(CAPITAL))
    holds(text_of(answer), "Sacramento")
    equal((answer.stop_reason, answer.type, answer.role), ("end_turn", "message", "assistant"))


@check("anthropic", "streams, and counts before what is billed after")
def _():
    with anthropic().messages.stream(model=MODEL, max_tokens=100, messages=said(CAPITAL)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    holds(text, "Sacramento")
    equal(text_of(final), text)
    counted = anthropic().messages.count_tokens(model=MODEL, messages=said(CAPITAL))
    equal(counted.input_tokens, final.usage.input_tokens)


@check("anthropic", "runs a tool, and thinks while it does")
def _():
    asked = dict(model=THINKS, max_tokens=2000, tools=[GET_WEATHER_MESSAGES])
    with anthropic().messages.stream(**asked, messages=said(WEATHER)) as stream:
        first = stream.get_final_message()
    equal(first.stop_reason, "tool_use")
    thought, call = first.content
    equal((thought.type, call.name, call.input), ("thinking", "get_weather", {"city": "Lima"}))
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "19 degrees"}
    history = said(WEATHER) + [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    raw = anthropic().messages.with_raw_response.create(**asked, messages=history)
    # Its own reasoning goes back to the model.
    equal(raw.headers.get("x-chasqui-dropped"), None)
    holds(text_of(raw.parse()), "19 degrees")


@check("anthropic", "raises its own errors")
def _():
    import anthropic as package

    for error, asked in (
        (package.NotFoundError, dict(model="no-such-model")),
        (package.BadRequestError, dict(model=MODEL, stop_sequences=["x" * 600])),
    ):
        try:
            anthropic().messages.create(max_tokens=10, messages=said("Hi"), **asked)
        except error as raised:
            assert raised.request_id, "no request id"
        else:
            raise AssertionError(f"no {error.__name__}")


@check("anthropic", "lists models")
def _():
    models = list(anthropic().models.list(limit=50))
    assert any(model.id == "llama-3.3-70b-instruct" for model in models), [model.id for model in models]


# langchain-anthropic


def langchain_anthropic(model=MODEL, **more):
    from langchain_anthropic import ChatAnthropic

    return ChatAnthropic(
        model=model, base_url=URL.removesuffix("/v1"), api_key=KEY, max_retries=0, max_tokens=1000, **more
    )


@check("langchain-anthropic", "chats, and knows its tokens")
def _():
    answer = langchain_anthropic().invoke(CAPITAL)
    holds(answer.text, "Sacramento")
    assert answer.usage_metadata["input_tokens"] > 0, answer.usage_metadata


@check("langchain-anthropic", "streams")
def _():
    holds("".join(chunk.text for chunk in langchain_anthropic().stream(CAPITAL)), "Sacramento")


@check("langchain-anthropic", "runs a tool")
def _():
    from langchain_core.messages import HumanMessage, ToolMessage

    chat = langchain_anthropic(THINKS).bind_tools([get_weather])
    history = [HumanMessage(WEATHER)]
    first = chat.invoke(history)
    (call,) = first.tool_calls
    equal((call["name"], call["args"]), ("get_weather", {"city": "Lima"}))
    history += [first, ToolMessage("19 degrees", tool_call_id=call["id"])]
    holds(chat.invoke(history).text, "19 degrees")


@check("langchain-anthropic", "fills a model")
def _():
    equal(langchain_anthropic().with_structured_output(City).invoke(LIMA), City(city="Lima"))


if __name__ == "__main__":
    for client, what, run in CHECKS:
        error = None
        try:
            run()
        except Exception:
            error = traceback.format_exc(limit=-6)
        print(json.dumps({"client": client, "what": what, "error": error}), flush=True)
