"""Calls a provider through the gateway with the Responses of the official OpenAI SDK, each case whole, as a stream of
events, and with the SDK's own helper for streams. Prints what the SDK made of the answers.

    python responses_calls.py PROVIDER
"""

import json
import sys

import openai
from observe import PNG, WEATHER, City, attempt, report, strict, unknown

PROVIDER = sys.argv[1]
TOOL = {"type": "function", "name": "weather", "description": "The weather", "parameters": WEATHER, "strict": False}
CLOCK = {"type": "function", "name": "clock", "description": "The time", "parameters": None, "strict": False}
CASES = {
    "text": {"input": "Hello"},
    "turns": {
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
        ],
        "max_output_tokens": 50,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    },
    "call": {"input": "Hello", "tools": [TOOL], "tool_choice": "auto"},
    "calls": {"input": "Hello", "tools": [TOOL, CLOCK]},
    "results": {
        "input": [
            {"role": "user", "content": "Hello"},
            {"type": "function_call", "call_id": "call_a", "name": "weather", "arguments": '{"city": "Paris"}'},
            {"type": "function_call_output", "call_id": "call_a", "output": "sunny"},
        ],
        "tools": [TOOL],
    },
    "image": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
                ],
            }
        ]
    },
    "thinking": {"input": "Hello", "reasoning": {"effort": "low"}},
    "long": {"input": "Hello", "max_output_tokens": 16},
    "cached": {"input": "Hello"},
}
client = openai.OpenAI(max_retries=0)


def whole(answer):
    strict(answer)
    assert answer.object == "response" and answer.id and answer.created_at > 0
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    calls = [item for item in answer.output if item.type == "function_call"]
    thoughts = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
    return {
        "text": answer.output_text,
        "status": answer.status,
        "calls": [{"name": call.name, "input": json.loads(call.arguments)} for call in calls],
        "thought": "".join(thoughts) or None,
        "usage": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.input_tokens_details.cached_tokens,
            "reasoning": usage.output_tokens_details.reasoning_tokens,
        },
        "unknown": sorted(set(unknown(answer))),
    }


def streamed(case):
    """Every event is one that the SDK knows, and the pieces say what the last response says."""
    text, last, number = "", None, 0
    for event in client.responses.create(model=f"{PROVIDER}:{case}", stream=True, **CASES[case]):
        strict(event)
        assert type(event).__name__.startswith("Response"), event
        assert event.sequence_number == number
        number += 1
        if event.type == "response.output_text.delta":
            text += event.delta
        last = event
    seen = whole(last.response)
    assert text == last.response.output_text
    return seen


def helped(case):
    with client.responses.stream(model=f"{PROVIDER}:{case}", **CASES[case]) as stream:
        for _ in stream:
            pass
        return whole(stream.get_final_response())


def broken(case):
    text = ""
    try:
        for event in client.responses.create(model=f"{PROVIDER}:{case}", input="Hello", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
    except openai.APIError as raised:
        return {"text": text, "raised": type(raised).__name__, "message": str(raised)}
    return {"text": text, "raised": None}


def structured():
    parsed = client.responses.parse(model=f"{PROVIDER}:structured", input="Paris?", text_format=City)
    return parsed.output_parsed.model_dump()


def again(case):
    """The model's items go back as they came."""
    first = client.responses.create(model=f"{PROVIDER}:{case}", input="Hello", tools=[TOOL])
    items = [{"role": "user", "content": "Hello"}]
    items += [item.to_dict(exclude_none=True) for item in first.output]
    calls = [item for item in first.output if item.type == "function_call"]
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    return client.responses.create(model=f"{PROVIDER}:text", input=items, tools=[TOOL]).output_text


def refused(**members):
    return client.responses.create(**{"model": f"{PROVIDER}:text", "input": "Hello", **members})


found = {
    case: {
        "whole": attempt(lambda: whole(client.responses.create(model=f"{PROVIDER}:{case}", **members))),
        "stream": attempt(streamed, case),
        "helped": attempt(helped, case),
    }
    for case, members in CASES.items()
}
found["structured"] = attempt(structured)
found["pondered_again"] = attempt(again, "pondered")
found["broken"] = {case: broken(case) for case in ("said", "ended", "connection")}
found["unknown_id"] = attempt(lambda: refused(previous_response_id="resp_9"))
found["background"] = attempt(lambda: refused(background=True))
report(found)
