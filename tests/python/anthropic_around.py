"""What stands around a call with the official Anthropic SDK: models, headers, raw bodies.

    python anthropic_around.py PROVIDER
"""

import sys

import anthropic
from anthropic.types import ModelInfo
from observe import attempt, report, unknown

MODEL = f"{sys.argv[1]}:text"
ASKED = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def main():
    client = anthropic.Anthropic(max_retries=0, timeout=20)
    models = list(client.models.list())
    for model in models:
        ModelInfo.model_validate(model.to_dict())
    raw = client.messages.with_raw_response.create(**ASKED)
    with client.messages.with_streaming_response.create(stream=True, **ASKED) as response:
        lines = list(response.iter_lines())
    with client.messages.stream(**ASKED) as events:
        streamed_id = events.response.headers.get("request-id")
    report({
        "models": [model.id for model in models],
        "unknown": [name for model in models for name in unknown(model)],
        "one": client.models.retrieve(models[0].id).id,
        "none": attempt(client.models.retrieve, "nonesuch"),
        "headers": dict(raw.headers),
        "raw": raw.parse().content[0].text,
        "request_id": raw.parse()._request_id,
        "lines": lines,
        "streamed_id": streamed_id,
    })


main()
