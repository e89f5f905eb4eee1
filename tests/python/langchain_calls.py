"""Calls a provider through the gateway with LangChain's models of OpenAI and Anthropic.

    python langchain_calls.py PROVIDER
"""

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from observe import City
from ways import ANTHROPIC_URL, OPENAI_URL, said, walk

HELLO = [HumanMessage("Hello")]


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class LangChain:
    def __init__(self, chat, **structured):
        self.chat, self.method = chat, structured

    def whole(self, model):
        return answer(self.chat(model).invoke(HELLO))

    def stream(self, model):
        chunks = list(self.chat(model).stream(HELLO))
        return answer(sum(chunks[1:], chunks[0]))

    def tools(self, model):
        chat = self.chat(model).bind_tools([weather])
        asked = chat.invoke(HELLO)
        results = [weather.invoke(call) for call in asked.tool_calls]
        return {"asked": [call["args"] for call in asked.tool_calls], **answer(chat.invoke([*HELLO, asked, *results]))}

    def structured(self, model):
        return self.chat(model).with_structured_output(City, **self.method).invoke(HELLO).model_dump()


def answer(message):
    return said(message.text, message.usage_metadata["input_tokens"], message.usage_metadata["output_tokens"])


def openai(**more):
    more = {"base_url": OPENAI_URL, "max_retries": 0, "timeout": 20, "stream_usage": True, **more}
    return lambda key: LangChain(lambda model: ChatOpenAI(model=model, api_key=key, **more))


def anthropic(**structured):
    more = {"base_url": ANTHROPIC_URL, "max_retries": 0, "timeout": 20}
    return lambda key: LangChain(lambda model: ChatAnthropic(model=model, api_key=key, **more), **structured)


walk({
    "chat": openai(),
    "responses": openai(use_responses_api=True),
    "messages": anthropic(method="function_calling"),
    "messages_by_schema": anthropic(method="json_schema"),
})
