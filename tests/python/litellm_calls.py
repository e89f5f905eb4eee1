"""Calls a provider through the gateway with LiteLLM's client.

    python litellm_calls.py PROVIDER
"""

import json
import os

# The client otherwise fetches its price list when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402, it reads the environment
from observe import WEATHER, City  # noqa: E402
from ways import ANTHROPIC_URL, OPENAI_URL, said, walk  # noqa: E402

# It prints advice beside its exceptions.
litellm.suppress_debug_info = True
HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city", "parameters": WEATHER},
}


class LiteLlm:
    def __init__(self, prefix, **always):
        self.prefix, self.always = prefix, {**always, "num_retries": 0, "max_retries": 0, "timeout": 20}

    def ask(self, model, messages=HELLO, **more):
        return litellm.completion(model=f"{self.prefix}/{model}", messages=messages, **self.always, **more)

    def whole(self, model):
        return answer(self.ask(model))

    def stream(self, model):
        chunks = list(self.ask(model, stream=True, stream_options={"include_usage": True}))
        return answer(litellm.stream_chunk_builder(chunks))

    def tools(self, model):
        asked = self.ask(model, tools=[TOOL]).choices[0].message
        inputs = [json.loads(call.function.arguments) for call in asked.tool_calls]
        results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny in Paris"} for call in asked.tool_calls]
        return {"asked": inputs, **answer(self.ask(model, [*HELLO, asked, *results], tools=[TOOL]))}

    def structured(self, model):
        return City.model_validate_json(self.ask(model, response_format=City).choices[0].message.content).model_dump()


def answer(completion):
    usage = completion.usage
    return said(completion.choices[0].message.content, usage.prompt_tokens, usage.completion_tokens)


walk({
    "chat": lambda key: LiteLlm("openai", api_base=OPENAI_URL, api_key=key),
    "messages": lambda key: LiteLlm("anthropic", api_base=ANTHROPIC_URL, api_key=key),
})
