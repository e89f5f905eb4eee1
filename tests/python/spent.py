"""Calls with a key whose budget is spent, with both SDKs as they are set by default, which is to try again.

    python spent.py PROVIDER
"""

import anthropic
import openai
from observe import attempt, report

HELLO = [{"role": "user", "content": "Hello"}]


def main():
    report({
        "openai": attempt(lambda: openai.OpenAI().chat.completions.create(model="quick", messages=HELLO).id),
        "anthropic": attempt(
            lambda: anthropic.Anthropic().messages.create(model="quick", max_tokens=100, messages=HELLO).id
        ),
    })


main()
