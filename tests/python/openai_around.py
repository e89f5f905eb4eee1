"""What stands around a call with the official OpenAI SDK: models, headers, raw bodies.

    python openai_around.py PROVIDER
"""

import sys

import openai
from observe import attempt, report, strict, unknown

MODEL = f"{sys.argv[1]}:text"
HELLO = [{"role": "user", "content": "Hello"}]


def lines(client, **more):
    asked = {"model": MODEL, "messages": HELLO, "stream": True, **more}
    with client.chat.completions.with_streaming_response.create(**asked) as response:
        return [line for line in response.iter_lines() if line.startswith("data:")]


def main():
    client = openai.OpenAI(max_retries=0, timeout=20)
    models = [strict(model) for model in client.models.list()]
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as left:
        # A caller who has heard enough.
        first = next(left)
    report({
        "models": [model.id for model in models],
        "unknown": [name for model in models for name in unknown(model)],
        "one": strict(client.models.retrieve(models[0].id)).id,
        "none": attempt(client.models.retrieve, "nonesuch"),
        "headers": dict(raw.headers),
        "raw": raw.parse().choices[0].message.content,
        "request_id": raw.parse()._request_id,
        "with_usage": lines(client, stream_options={"include_usage": True}),
        "without_usage": lines(client, stream_options={"include_usage": False}),
        "unasked_usage": lines(client),
        "first": first.choices[0].delta.role,
    })


main()
