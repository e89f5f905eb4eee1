"""Calls a provider through the gateway with agents of pydantic-ai.

    python pydantic_ai_calls.py PROVIDER
"""

import asyncio
from functools import partial

from anthropic import AsyncAnthropic
from observe import City
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from ways import said, walk


class PydanticAi:
    def __init__(self, model, *outputs):
        self.model, self.outputs = model, outputs

    def whole(self, model):
        return answer(Agent(self.model(model)).run_sync("Hello"))

    def stream(self, model):
        async def heard():
            async with Agent(self.model(model)).run_stream("Hello") as run:
                text = "".join([piece async for piece in run.stream_text(delta=True)])
                return said(text, run.usage.input_tokens, run.usage.output_tokens)

        return asyncio.run(heard())

    def tools(self, model):
        asked = []

        def weather(city: str) -> str:
            """The weather in a city."""
            asked.append({"city": city})
            return f"sunny in {city}"

        run = Agent(self.model(model), tools=[weather]).run_sync("Hello")
        return {"asked": asked, **answer(run)}

    def structured(self, model):
        cities = [Agent(self.model(model), output_type=output).run_sync("Hello").output for output in self.outputs]
        assert all(city == cities[0] for city in cities)
        return cities[0].model_dump()


def answer(run):
    return said(run.output, run.usage.input_tokens, run.usage.output_tokens)


# Each call runs in a loop of its own, and so with a client of its own.
def openai(kind):
    def model(key, name):
        client = AsyncOpenAI(api_key=key, max_retries=0, timeout=20)
        return kind(name, provider=OpenAIProvider(openai_client=client))

    return lambda key: PydanticAi(partial(model, key), City, NativeOutput(City))


def anthropic(key):
    def model(name):
        client = AsyncAnthropic(api_key=key, max_retries=0, timeout=20)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))

    # It asks for a schema only of models that it knows by name.
    return PydanticAi(model, City)


walk({"chat": openai(OpenAIChatModel), "responses": openai(OpenAIResponsesModel), "messages": anthropic})
