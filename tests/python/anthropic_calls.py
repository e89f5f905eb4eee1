"""Calls a provider through the gateway with the official Anthropic SDK, each case whole, streamed event by event and
streamed through the SDK's helper, with the blocking and the asynchronous client. Prints what the SDK made of the answers.

    python anthropic_calls.py PROVIDER
"""

import asyncio
import json
import sys

import anthropic
from anthropic.types import Message, RawMessageStreamEvent
from observe import PNG, WEATHER, City, attempt, attempt_async, report, unknown
from pydantic import TypeAdapter

PROVIDER = sys.argv[1]
EVENTS = TypeAdapter(RawMessageStreamEvent)
TOOL = {"name": "weather", "description": "The weather in a city", "input_schema": WEATHER}
CLOCK = {"name": "clock", "description": "The time", "input_schema": {"type": "object", "properties": {}}}
HELLO = [{"role": "user", "content": "Hello"}]
ASKED = [
    {"type": "tool_use", "id": "toolu_a", "name": "weather", "input": {"city": "Paris"}},
    {"type": "tool_use", "id": "toolu_b", "name": "clock", "input": {}},
]
CASES = {
    "text": {"messages": HELLO},
    "turns": {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]},
        ],
    },
    "developer": {"system": [{"type": "text", "text": "Be brief."}], "messages": HELLO},
    "call": {"messages": HELLO, "tools": [TOOL], "tool_choice": {"type": "auto"}},
    "calls": {"messages": HELLO, "tools": [TOOL, CLOCK]},
    "results": {
        "messages": [
            *HELLO,
            {"role": "assistant", "content": ASKED},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_a", "content": "sunny"},
                    {"type": "tool_result", "tool_use_id": "toolu_b", "content": [{"type": "text", "text": "noon"}]},
                    {"type": "text", "text": "Well?"},
                ],
            },
        ],
        "tools": [TOOL, CLOCK],
    },
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                ],
            }
        ]
    },
    "thinking": {"messages": HELLO, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    "stopped": {"messages": HELLO, "stop_sequences": ["END"]},
    "long": {"messages": HELLO},
    "cached": {"messages": HELLO},
    "refused": {"messages": HELLO},
    "chosen": {
        "messages": HELLO,
        "tools": [TOOL, CLOCK],
        "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    },
    "required": {"messages": HELLO, "tools": [TOOL], "tool_choice": {"type": "any"}},
    "picture": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "url", "url": "https://pictures.example/one.png"}},
                ],
            }
        ]
    },
    "marked": {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": HELLO,
    },
    # Streams that don't end well.
    "said": {"messages": HELLO},
    "ended": {"messages": HELLO},
    "connection": {"messages": HELLO},
}
BROKEN = ("said", "ended", "connection")


def numbers(usage):
    details = usage.output_tokens_details
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "read": usage.cache_read_input_tokens or 0,
        "written": usage.cache_creation_input_tokens or 0,
        "thinking": details.thinking_tokens if details else 0,
    }


def whole(answer):
    Message.model_validate(answer.to_dict())
    assert answer.type == "message" and answer.role == "assistant" and answer.id
    kinds = [block.type for block in answer.content]
    calls = [block for block in answer.content if block.type == "tool_use"]
    thoughts = [block for block in answer.content if block.type == "thinking"]
    return {
        "model": answer.model,
        "kinds": kinds,
        "text": "".join(block.text for block in answer.content if block.type == "text") or None,
        "calls": [{"name": call.name, "input": call.input} for call in calls],
        "thought": "".join(block.thinking for block in thoughts) or None,
        "signature": "".join(block.signature for block in thoughts) or None,
        "stop": answer.stop_reason,
        "sequence": answer.stop_sequence,
        "usage": numbers(answer.usage),
        "unknown": sorted(unknown(answer)),
        "ids": [call.id for call in calls],
    }


class Heard:
    """The events of a stream, each looked at, in the one order in which they may come."""

    KINDS = {"text": ("text_delta",), "thinking": ("thinking_delta", "signature_delta"), "tool_use": ("input_json_delta",)}

    def __init__(self):
        self.message = self.open = self.delta = None
        self.inputs = {}
        self.unknown = set()
        self.over = False
        self.deltas = 0

    def take(self, event):
        EVENTS.validate_python(event.to_dict())
        self.unknown.update(f"{event.type}.{name}" for name in unknown(event))
        assert not self.over, "nothing follows the end"
        getattr(self, event.type)(event)

    def message_start(self, event):
        assert self.message is None, "a message starts once"
        self.message = event.message
        assert self.message.content == [] and self.message.stop_reason is None

    def content_block_start(self, event):
        assert self.open is None and self.delta is None, "a block starts when the one before it has stopped"
        assert event.index == len(self.message.content), "blocks are counted"
        block = event.content_block
        assert not getattr(block, "text", "") and not getattr(block, "input", {}), "a block starts empty"
        self.message.content.append(block)
        self.open = event.index

    def content_block_delta(self, event):
        assert event.index == self.open
        block, delta = self.message.content[event.index], event.delta
        assert delta.type in self.KINDS[block.type], f"{delta.type} in {block.type}"
        if delta.type == "text_delta":
            self.deltas += 1
            block.text += delta.text
        elif delta.type == "thinking_delta":
            block.thinking += delta.thinking
        elif delta.type == "signature_delta":
            block.signature = delta.signature
        else:
            self.inputs[event.index] = self.inputs.get(event.index, "") + delta.partial_json

    def content_block_stop(self, event):
        assert event.index == self.open
        block = self.message.content[event.index]
        if block.type == "tool_use":
            block.input = json.loads(self.inputs.get(event.index) or "{}")
        self.open = None

    def message_delta(self, event):
        assert self.open is None and self.delta is None
        self.delta = event.delta
        self.message.stop_reason = event.delta.stop_reason
        self.message.stop_sequence = event.delta.stop_sequence
        for name, count in event.usage:
            if count is not None:
                setattr(self.message.usage, name, count)

    def message_stop(self, _event):
        assert self.delta is not None, "a message says why it ends"
        self.over = True

    def text(self):
        blocks = self.message.content if self.message else []
        return "".join(block.text for block in blocks if block.type == "text")

    def seen(self):
        assert self.over, "the stream ends with `message_stop`"
        return {**whole(self.message), "unknown": sorted(self.unknown)}


def stream(client, arguments):
    heard = Heard()
    try:
        for event in client.messages.create(stream=True, **arguments):
            heard.take(event)
    except anthropic.APIError as raised:
        if heard.message is None:
            raise
        return {"text": heard.text(), "raised": attempt(reraise, raised), "over": heard.over}
    return heard.seen()


def reraise(raised):
    raise raised


def helped(client, arguments):
    with client.messages.stream(**arguments) as events:
        text = "".join(events.text_stream)
        message = events.get_final_message()
    assert text == "".join(block.text for block in message.content if block.type == "text")
    return whole(message)


async def helped_async(client, arguments):
    async with client.messages.stream(**arguments) as events:
        return whole(await events.get_final_message())


async def whole_async(client, arguments):
    return whole(await client.messages.create(**arguments))


def structured(client, model):
    asked = {"model": model("structured"), "max_tokens": 100, "messages": HELLO, "output_format": City}
    answer = client.messages.parse(**asked)
    with client.messages.stream(**asked) as events:
        streamed = events.get_final_message()
    return {"whole": answer.parsed_output.model_dump(), "stream": streamed.parsed_output.model_dump()}


def thinking_again(client, model):
    """An answer with its thoughts, sent back as the SDK holds it."""
    asked = {"max_tokens": 100, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    answer = client.messages.create(model=model("thinking"), messages=HELLO, **asked)
    messages = [*HELLO, answer.to_param(), {"role": "user", "content": "Go on"}]
    return whole(client.messages.create(model=model("again"), messages=messages, **asked))


def calls_again(client, model):
    """Calls of tools, answered by the ids that came with them."""
    asked = {"max_tokens": 100, "tools": [TOOL, CLOCK]}
    answer = client.messages.create(model=model("calls"), messages=HELLO, **asked)
    calls = [block for block in answer.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": call.name} for call in calls]
    messages = [*HELLO, answer.to_param(), {"role": "user", "content": results}]
    return whole(client.messages.create(model=model("again"), messages=messages, **asked))


def pondered_again(client, model):
    """Thoughts before a call of a tool, sent back with the tool's result: from a whole answer, and from a stream."""
    asked = {"max_tokens": 100, "tools": [TOOL], "thinking": {"type": "adaptive"}}
    answered = client.messages.create(model=model("pondered"), messages=HELLO, **asked)
    with client.messages.stream(model=model("pondered"), messages=HELLO, **asked) as events:
        put_together = events.get_final_message()
    found = {}
    for way, message in (("whole", answered), ("stream", put_together)):
        call = next(block for block in message.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
        messages = [*HELLO, message.to_param(), {"role": "user", "content": [result]}]
        found[way] = whole(client.messages.create(model=model("further"), messages=messages, **asked))["text"]
    return found


async def main():
    found = {}
    client = anthropic.Anthropic(max_retries=0, timeout=20)
    other = anthropic.AsyncAnthropic(max_retries=0, timeout=20)

    def model(case):
        return f"{PROVIDER}:{case}"

    for name, case in CASES.items():
        asked = {"model": model(name), "max_tokens": 100, **case}
        ways = {
            "stream": attempt(stream, client, asked),
            "helper": attempt(helped, client, asked),
            "async_helper": await attempt_async(helped_async, other, asked),
        }
        if name not in BROKEN:
            ways["whole"] = attempt(lambda asked: whole(client.messages.create(**asked)), asked)
            ways["async_whole"] = await attempt_async(whole_async, other, asked)
        found[name] = ways
    found["structured"] = attempt(structured, client, model)
    found["thinking_again"] = attempt(thinking_again, client, model)
    found["calls_again"] = attempt(calls_again, client, model)
    found["pondered_again"] = attempt(pondered_again, client, model)
    await other.close()
    report(found)


asyncio.run(main())
