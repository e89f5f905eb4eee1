"""Provokes errors through the gateway with the official Anthropic SDK and prints what it raised.

    python anthropic_errors.py PROVIDER CASE…
"""

import sys

import anthropic
from observe import attempt, report

PROVIDER, CASES = sys.argv[1], sys.argv[2:]
ASKED = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def whole(client, model):
    return client.messages.create(model=model, **ASKED).to_dict()


def stream(client, model):
    with client.messages.stream(model=model, **ASKED) as events:
        return events.get_final_message().to_dict()


def main():
    client = anthropic.Anthropic(max_retries=0, timeout=20)
    stranger = anthropic.Anthropic(api_key="sk-nobody", max_retries=0, timeout=20)
    asked = [(case, client, f"{PROVIDER}:{case}") for case in CASES]
    asked += [
        ("wrong_key", stranger, f"{PROVIDER}:text"),
        ("unknown_name", client, "nonesuch"),
        ("unknown_provider", client, "nowhere:text"),
    ]
    report({
        case: {"whole": attempt(whole, who, model), "stream": attempt(stream, who, model)} for case, who, model in asked
    })


main()
