"""Calls a provider through the gateway with the official Google SDK, each case whole and streamed, with the blocking and
the asynchronous client. Prints what the SDK made of the answers.

    python google_calls.py PROVIDER
"""

import asyncio
import base64
import sys

from google.genai import types
from google_client import client
from observe import PNG, City, attempt, attempt_async, report

PROVIDER = sys.argv[1]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = types.FunctionDeclaration(name="weather", description="The weather in a city", parameters_json_schema=SCHEMA)
CLOCK = types.FunctionDeclaration(
    name="clock", description="The time", parameters_json_schema={"type": "object", "properties": {}}
)
TOOLS = [types.Tool(function_declarations=[WEATHER, CLOCK])]
HELLO = "Hello"


def user(*parts):
    return types.Content(role="user", parts=list(parts))


def model(*parts):
    return types.Content(role="model", parts=list(parts))


def text(words):
    return types.Part(text=words)


def calling(name, arguments, **more):
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments, **more))


def result(name, said, **more):
    return types.Part(function_response=types.FunctionResponse(name=name, response={"result": said}, **more))


def choose(mode, *names):
    config = types.FunctionCallingConfig(mode=mode, allowed_function_names=list(names) or None)
    return types.ToolConfig(function_calling_config=config)


CASES = {
    "text": (HELLO, {}),
    "turns": (
        [user(text("Hello")), model(text("Hi.")), user(text("And"), text("now?"))],
        {"system_instruction": "Be brief.", "max_output_tokens": 100},
    ),
    "call": (HELLO, {"tools": TOOLS}),
    "calls": (HELLO, {"tools": TOOLS}),
    # Two calls and their results, with ids; and without, found by their names.
    "results": (
        [
            user(text("Hello")),
            model(calling("weather", {"city": "Paris"}, id="call_a"), calling("clock", {}, id="call_b")),
            user(result("weather", "sunny", id="call_a"), result("clock", "noon", id="call_b"), text("Well?")),
            model(calling("weather", {"city": "Rome"}), calling("weather", {"city": "Oslo"})),
            user(result("weather", "hot"), result("weather", "cold")),
        ],
        {"tools": TOOLS},
    ),
    "image": ([user(text("What is this?"), types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png"))], {}),
    "thinking": (HELLO, {"thinking_config": types.ThinkingConfig(include_thoughts=True)}),
    "long": (HELLO, {}),
    "cached": (HELLO, {}),
    "refused": (HELLO, {}),
    "chosen": (HELLO, {"tools": TOOLS, "tool_config": choose("ANY", "weather")}),
    "required": (HELLO, {"tools": TOOLS, "tool_config": choose("ANY")}),
    "settings": (
        HELLO,
        {"safety_settings": [types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")]},
    ),
    "said": (HELLO, {}),
    "ended": (HELLO, {}),
    "connection": (HELLO, {}),
}
BROKEN = ("said", "ended", "connection")


class Heard:
    """The pieces of an answer, put together as a caller does."""

    def __init__(self):
        self.parts, self.usage, self.finish, self.pieces = [], None, None, 0

    def take(self, response):
        assert response.model_version and response.response_id, response
        self.usage = response.usage_metadata or self.usage
        assert len(response.candidates) == 1, response
        candidate = response.candidates[0]
        assert (candidate.index or 0) == 0 and self.finish is None, "nothing follows the end"
        self.finish = candidate.finish_reason and candidate.finish_reason.name
        content = candidate.content
        parts = (content and content.parts) or []
        self.pieces += any(part.text for part in parts)
        self.parts += parts
        return self

    def text(self):
        return "".join(part.text for part in self.parts if part.text and not part.thought)

    def seen(self):
        calls = [part.function_call for part in self.parts if part.function_call]
        assert all(call.id for call in calls), calls
        return {
            "text": self.text() or None,
            "thought": "".join(part.text for part in self.parts if part.text and part.thought) or None,
            "calls": [{"name": call.name, "args": call.args} for call in calls],
            "signed": any(part.thought_signature for part in self.parts),
            "finish": self.finish,
            "usage": {
                "prompt": self.usage.prompt_token_count,
                "said": self.usage.candidates_token_count,
                "thought": self.usage.thoughts_token_count or 0,
                "cached": self.usage.cached_content_token_count or 0,
                "total": self.usage.total_token_count,
            },
        }


def whole(client, asked):
    return Heard().take(client.models.generate_content(**asked)).seen()


async def whole_async(client, asked):
    return Heard().take(await client.aio.models.generate_content(**asked)).seen()


def stream(client, asked):
    heard = Heard()
    try:
        for piece in client.models.generate_content_stream(**asked):
            heard.take(piece)
    except Exception as raised:  # noqa: BLE001, whatever it is, the test wants to see it
        if not heard.parts:
            raise
        return {"text": heard.text(), "raised": type(raised).__name__, "over": heard.finish is not None}
    return heard.seen()


async def stream_async(client, asked):
    heard = Heard()
    async for piece in await client.aio.models.generate_content_stream(**asked):
        heard.take(piece)
    return heard.seen()


def structured(client, model):
    config = {"response_mime_type": "application/json", "response_schema": City}
    answer = client.models.generate_content(model=model("structured"), contents=HELLO, config=config)
    return answer.parsed.model_dump()


def pondered_again(client, model):
    """Thoughts and a call of a tool, sent back with its result as the SDK's own conversation holds them: from a whole
    answer, and from a stream."""
    found = {}
    config = {"tools": TOOLS, "automatic_function_calling": {"disable": True}}
    for way in ("whole", "stream"):
        talk = client.chats.create(model=model("pondered"), config=config)
        if way == "whole":
            calls = talk.send_message(HELLO).function_calls
        else:
            calls = [call for piece in talk.send_message_stream(HELLO) for call in piece.function_calls or []]
        history = talk.get_history()
        again = client.chats.create(model=model("further"), config=config, history=history)
        found[way] = again.send_message([result("weather", "sunny", id=calls[0].id)]).text
    return found


async def main():
    found = {}
    google = client()

    def model(case):
        return f"{PROVIDER}:{case}"

    for name, (contents, config) in CASES.items():
        config = {"automatic_function_calling": {"disable": True}, **config}
        asked = {"model": model(name), "contents": contents, "config": config}
        ways = {"stream": attempt(stream, google, asked)}
        if name not in BROKEN:
            ways["whole"] = attempt(whole, google, asked)
            ways["async_whole"] = await attempt_async(whole_async, google, asked)
            ways["async_stream"] = await attempt_async(stream_async, google, asked)
        found[name] = ways
    found["structured"] = attempt(structured, google, model)
    found["pondered_again"] = attempt(pondered_again, google, model)
    report(found)


asyncio.run(main())
