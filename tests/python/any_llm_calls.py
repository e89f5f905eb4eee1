"""Calls a provider through the gateway with any-llm's client.

    python any_llm_calls.py PROVIDER
"""

import json
import os

# Else each provider's SDK raises its own.
os.environ["ANY_LLM_UNIFIED_EXCEPTIONS"] = "1"

from any_llm import AnyLLM  # noqa: E402, it reads the environment
from observe import WEATHER, City  # noqa: E402
from ways import ANTHROPIC_URL, OPENAI_URL, said, walk  # noqa: E402

HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city", "parameters": WEATHER},
}


class AnyLlm:
    def __init__(self, provider, **settings):
        self.client = AnyLLM.create(provider, **settings, max_retries=0, timeout=20)

    def whole(self, model):
        return answer(self.client.completion(model=model, messages=HELLO))

    def stream(self, model):
        asked = {"model": model, "messages": HELLO, "stream_options": {"include_usage": True}}
        chunks = list(self.client.completion(stream=True, **asked))
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        usage = [chunk.usage for chunk in chunks if chunk.usage][-1]
        return said(text, usage.prompt_tokens, usage.completion_tokens)

    def tools(self, model):
        asked = self.client.completion(model=model, messages=HELLO, tools=[TOOL]).choices[0].message
        inputs = [json.loads(call.function.arguments) for call in asked.tool_calls]
        results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny in Paris"} for call in asked.tool_calls]
        more = {"messages": [*HELLO, asked, *results], "tools": [TOOL]}
        return {"asked": inputs, **answer(self.client.completion(model=model, **more))}

    def structured(self, model):
        answered = self.client.completion(model=model, messages=HELLO, response_format=City)
        return City.model_validate_json(answered.choices[0].message.content).model_dump()


def answer(completion):
    usage = completion.usage
    return said(completion.choices[0].message.content, usage.prompt_tokens, usage.completion_tokens)


walk({
    "chat": lambda key: AnyLlm("openai", api_base=OPENAI_URL, api_key=key),
    "messages": lambda key: AnyLlm("anthropic", api_base=ANTHROPIC_URL, api_key=key),
})
