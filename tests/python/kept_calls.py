"""Responses that the gateway keeps, for a provider that keeps none, by the official OpenAI SDK.

    python kept_calls.py MODEL
"""

import sys

import openai
from observe import attempt, report, strict

client = openai.OpenAI(max_retries=0, timeout=20)
MODEL = sys.argv[1]


def kept():
    first = strict(client.responses.create(model=MODEL, input="Hello"))
    with client.responses.stream(model=MODEL, input="And you?", previous_response_id=first.id) as stream:
        second = stream.get_final_response()
    third = strict(client.responses.create(model=MODEL, input="Bye", previous_response_id=second.id, store=True))
    return first, second, third


first, second, third = kept()
found = {
    "said": [answer.output_text for answer in (first, second, third)],
    "chain": [second.previous_response_id == first.id, third.previous_response_id == second.id],
    "again": strict(client.responses.retrieve(second.id)).output_text,
    "items": [item.content[0].text for item in client.responses.input_items.list(second.id)],
    "cancelled": attempt(lambda: client.responses.cancel(second.id)),
}
client.responses.delete(second.id)
found["deleted"] = attempt(lambda: client.responses.retrieve(second.id))
found["broken"] = attempt(lambda: client.responses.create(model=MODEL, input="x", previous_response_id=third.id))
unstored = client.responses.create(model=MODEL, input="Hello", store=False)
found["unstored"] = attempt(lambda: client.responses.retrieve(unstored.id))
report(found)
