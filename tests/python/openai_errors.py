"""Provokes errors through the gateway with the official OpenAI SDK and prints what it raised.

    python openai_errors.py PROVIDER CASE…
"""

import sys

import openai
from observe import attempt, report

PROVIDER, CASES = sys.argv[1], sys.argv[2:]
HELLO = [{"role": "user", "content": "Hello"}]


def whole(client, model):
    return client.chat.completions.create(model=model, messages=HELLO).to_dict()


def stream(client, model):
    return [chunk.to_dict() for chunk in client.chat.completions.create(model=model, messages=HELLO, stream=True)]


def main():
    client = openai.OpenAI(max_retries=0, timeout=20)
    stranger = openai.OpenAI(api_key="sk-nobody", max_retries=0, timeout=20)
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
