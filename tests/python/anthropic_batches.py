"""Files and batches through the gateway with the official Anthropic SDK.

    python anthropic_batches.py MODEL KEY_OF_SOMEONE_ELSE
"""

import sys

import anthropic
from observe import attempt, report, strict

MODEL = sys.argv[1]
PARAMS = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


def main():
    client = anthropic.Anthropic(max_retries=0, timeout=20)
    other = anthropic.Anthropic(api_key=sys.argv[2], max_retries=0, timeout=20)
    batches = client.messages.batches
    made = batches.create(requests=[{"custom_id": custom_id, "params": PARAMS} for custom_id in ["a", "bad"]])
    states = []
    for _ in range(20):
        batch = batches.retrieve(made.id)
        states.append(batch.processing_status)
        if batch.processing_status == "ended":
            break
    results = []
    for result in batches.results(made.id):
        text = result.result.message.content[0].text if result.result.type == "succeeded" else None
        results.append([result.custom_id, result.result.type, text])
    report({
        "states": states,
        "results": results,
        "batches": [batch.id == made.id for batch in batches.list()],
        "others": len(list(other.messages.batches.list())),
        "strange": {
            "batch": attempt(other.messages.batches.retrieve, made.id),
            "cancel": attempt(other.messages.batches.cancel, made.id),
            "results": attempt(other.messages.batches.results, made.id),
        },
    })


main()
