"""Calls a provider through the gateway with the official OpenAI SDK, each case in four ways: whole and streamed, with
the blocking and the asynchronous client. Prints what the SDK made of the answers.

    python openai_calls.py PROVIDER
"""

import asyncio
import json
import sys

import openai
from observe import PNG, WEATHER, City, attempt, attempt_async, report, strict, unknown

PROVIDER = sys.argv[1]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city", "parameters": WEATHER},
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time"}}
HELLO = [{"role": "user", "content": "Hello"}]
ASKED = [
    {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
    {"id": "call_b", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
]
CASES = {
    "text": {"messages": HELLO},
    "turns": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "now?"}]},
        ],
        "max_tokens": 50,
    },
    "developer": {
        "messages": [{"role": "developer", "content": "Be brief."}, *HELLO],
        "max_completion_tokens": 60,
    },
    "call": {"messages": HELLO, "tools": [TOOL], "tool_choice": "auto"},
    "calls": {"messages": HELLO, "tools": [TOOL, CLOCK]},
    "results": {
        "messages": [
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": ASKED},
            {"role": "tool", "tool_call_id": "call_a", "content": "sunny"},
            {"role": "tool", "tool_call_id": "call_b", "content": [{"type": "text", "text": "noon"}]},
        ],
        "tools": [TOOL, CLOCK],
    },
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ],
            }
        ]
    },
    "thinking": {"messages": HELLO, "reasoning_effort": "low"},
    "stopped": {"messages": HELLO, "stop": ["END"]},
    "long": {"messages": HELLO, "max_tokens": 5},
    "cached": {"messages": HELLO},
    "refused": {"messages": HELLO},
    "chosen": {
        "messages": HELLO,
        "tools": [TOOL, CLOCK],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
    },
    "required": {"messages": HELLO, "tools": [TOOL], "tool_choice": "required"},
    "picture": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://pictures.example/one.png"}},
                ],
            }
        ]
    },
    "twice": {"messages": HELLO, "n": 2},
    # Streams that don't end well.
    "said": {"messages": HELLO},
    "ended": {"messages": HELLO},
    "connection": {"messages": HELLO},
}
BROKEN = ("said", "ended", "connection")


def numbers(usage):
    if usage is None:
        return None
    strict(usage)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    return {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0,
        "reasoning": getattr(usage.completion_tokens_details, "reasoning_tokens", None) or 0,
    }


def whole(answer):
    strict(answer)
    assert answer.object == "chat.completion" and answer.id and answer.created > 0
    (choice,) = answer.choices
    message = choice.message
    assert choice.index == 0 and message.role == "assistant"
    calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]
    return {
        "model": answer.model,
        "text": message.content,
        "refusal": message.refusal,
        "finish": choice.finish_reason,
        "calls": [name_and_input(call) for call in calls],
        "thought": getattr(message, "reasoning_content", None),
        "details": getattr(message, "reasoning_details", None),
        "usage": numbers(answer.usage),
        "unknown": sorted(unknown(answer)),
        "ids": [call[0] for call in calls],
    }


def name_and_input(call):
    return {"name": call[1], "input": json.loads(call[2])}


class Heard:
    """A stream put together as an application does it, which looks at every chunk on the way."""

    def __init__(self):
        self.chunks = []
        self.text = self.refusal = self.thought = self.finish = self.usage = None
        self.calls, self.details = {}, {}
        self.unknown = set()
        self.deltas = 0

    def take(self, chunk):
        strict(chunk)
        self.unknown.update(unknown(chunk))
        first = not self.chunks
        self.chunks.append(chunk)
        head = self.chunks[0]
        assert chunk.object == "chat.completion.chunk" and chunk.id
        assert (chunk.id, chunk.model, chunk.created) == (head.id, head.model, head.created)
        assert self.usage is None, "nothing follows the usage"
        if chunk.usage is not None:
            assert chunk.choices == [], "usage stands in a chunk of its own"
            self.usage = chunk.usage
            return
        (choice,) = chunk.choices
        delta = choice.delta
        assert choice.index == 0
        assert (delta.role == "assistant") == first, "the first chunk says the role and no other does"
        assert self.finish is None, "nothing of the choice follows its end"
        self.deltas += bool(delta.content)
        self.text = joined(self.text, delta.content)
        self.refusal = joined(self.refusal, delta.refusal)
        self.thought = joined(self.thought, getattr(delta, "reasoning_content", None))
        for call in delta.tool_calls or []:
            if call.index not in self.calls:
                assert call.index == len(self.calls) and call.type == "function"
                assert call.id and call.function.name, "the first piece of a call names it"
                self.calls[call.index] = [call.id, call.function.name, ""]
            else:
                assert not call.id and not call.function.name, "a call is named once"
            self.calls[call.index][2] += call.function.arguments or ""
        for detail in getattr(delta, "reasoning_details", None) or []:
            known = self.details.setdefault(detail["index"], {})
            known.update(detail, text=known.get("text", "") + detail.get("text", ""))
        self.finish = choice.finish_reason

    def seen(self):
        assert self.finish is not None, "the stream says why it ends"
        return {
            "model": self.chunks[0].model,
            "text": self.text or None,
            "refusal": self.refusal,
            "finish": self.finish,
            "calls": [name_and_input(call) for call in self.calls.values()],
            "thought": self.thought,
            "details": list(self.details.values()) or None,
            "usage": numbers(self.usage),
            "unknown": sorted(self.unknown),
            "ids": [call[0] for call in self.calls.values()],
        }


def joined(before, more):
    return before if more is None else (before or "") + more


def broken(heard, raised):
    """A stream that raises has given its text before; one that doesn't has been taken for whole."""
    return {"text": heard.text, "raised": raised, "finish": heard.finish}


def stream(client, arguments):
    heard = Heard()
    try:
        for chunk in client.chat.completions.create(stream=True, **arguments):
            heard.take(chunk)
    except openai.APIError as raised:
        if not heard.chunks:
            raise
        return broken(heard, attempt(reraise, raised))
    return heard.seen()


async def stream_async(client, arguments):
    heard = Heard()
    try:
        async for chunk in await client.chat.completions.create(stream=True, **arguments):
            heard.take(chunk)
    except openai.APIError as raised:
        if not heard.chunks:
            raise
        return broken(heard, attempt(reraise, raised))
    return heard.seen()


def reraise(raised):
    raise raised


async def whole_async(client, arguments):
    return whole(await client.chat.completions.create(**arguments))


def structured(client, model):
    asked = {"model": model("structured"), "messages": HELLO, "response_format": City}
    answer = client.chat.completions.parse(**asked)
    with client.chat.completions.stream(**asked) as events:
        kinds = {event.type for event in events}
        streamed = events.get_final_completion()
    return {
        "whole": answer.choices[0].message.parsed.model_dump(),
        "stream": streamed.choices[0].message.parsed.model_dump(),
        "events": sorted(kinds),
        "finish": [answer.choices[0].finish_reason, streamed.choices[0].finish_reason],
    }


def thinking_again(client, model):
    """An answer with its thoughts, sent back as the SDK holds it."""
    asked = {"model": model("thinking"), "reasoning_effort": "low"}
    answer = client.chat.completions.create(messages=HELLO, **asked).choices[0].message
    messages = [*HELLO, answer, {"role": "user", "content": "Go on"}]
    return whole(client.chat.completions.create(messages=messages, model=model("again"), reasoning_effort="low"))


def calls_again(client, model):
    """Calls of tools, answered by the ids that came with them."""
    asked = client.chat.completions.create(model=model("calls"), messages=HELLO, tools=[TOOL, CLOCK])
    message = asked.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.function.name} for call in message.tool_calls]
    messages = [*HELLO, message, *results]
    return whole(client.chat.completions.create(model=model("again"), messages=messages, tools=[TOOL, CLOCK]))


def pondered_again(client, model):
    """Thoughts before a call of a tool, sent back with the tool's result: from a whole answer, and from a stream."""
    asked = {"messages": HELLO, "tools": [TOOL], "reasoning_effort": "low"}
    answered = client.chat.completions.create(model=model("pondered"), **asked).choices[0].message
    heard = Heard()
    for chunk in client.chat.completions.create(model=model("pondered"), stream=True, **asked):
        heard.take(chunk)
    calls = [
        {"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}
        for key, name, arguments in heard.calls.values()
    ]
    put_together = {"role": "assistant", "content": heard.text or None, "tool_calls": calls}
    if heard.details:
        put_together["reasoning_details"] = list(heard.details.values())
    else:
        put_together["reasoning_content"] = heard.thought
    found = {}
    for way, message, key in (
        ("whole", answered, answered.tool_calls[0].id),
        ("stream", put_together, calls[0]["id"]),
    ):
        result = {"role": "tool", "tool_call_id": key, "content": "sunny"}
        more = {**asked, "model": model("further"), "messages": [*HELLO, message, result]}
        found[way] = whole(client.chat.completions.create(**more))["text"]
    return found


async def main():
    found = {}
    client = openai.OpenAI(max_retries=0, timeout=20)
    other = openai.AsyncOpenAI(max_retries=0, timeout=20)

    def model(case):
        return f"{PROVIDER}:{case}"

    for name, case in CASES.items():
        asked = {"model": model(name), **case}
        # Usage is asked for by one of the two clients only.
        with_usage = {**asked, "stream_options": {"include_usage": True}}
        ways = {
            "stream": attempt(stream, client, with_usage),
            "async_stream": await attempt_async(stream_async, other, asked),
        }
        if name not in BROKEN:
            ways["whole"] = attempt(lambda asked: whole(client.chat.completions.create(**asked)), asked)
            ways["async_whole"] = await attempt_async(whole_async, other, asked)
        found[name] = ways
    found["structured"] = attempt(structured, client, model)
    found["thinking_again"] = attempt(thinking_again, client, model)
    found["calls_again"] = attempt(calls_again, client, model)
    found["pondered_again"] = attempt(pondered_again, client, model)
    await other.close()
    report(found)


asyncio.run(main())
