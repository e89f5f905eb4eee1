"""What every client is asked to do that can speak to the gateway in more than one way.

A way is made from a key and has `whole`, `stream`, `tools` and `structured`, each of a model's name.
"""

import os
import sys

from observe import attempt, report

OPENAI_URL = os.environ["OPENAI_BASE_URL"]
ANTHROPIC_URL = os.environ["ANTHROPIC_BASE_URL"]
PROVIDER = sys.argv[1]
# The case that each is called in, which is the model's name for the provider behind the gateway.
CASES = {"whole": "text", "stream": "text", "tools": "round", "structured": "structured"}


def said(text, read, written):
    """An answer and what it counted."""
    return {"text": text, "usage": {"input": read, "output": written}}


def walk(ways):
    """Goes every way and prints what the client made of the answers and of the errors."""
    report({name: found(way) for name, way in ways.items()})


def found(way):
    known, stranger = way(os.environ["OPENAI_API_KEY"]), way("sk-nobody")
    answers = {do: attempt(getattr(known, do), f"{PROVIDER}:{case}") for do, case in CASES.items()}
    errors = {
        "wrong_key": attempt(stranger.whole, f"{PROVIDER}:text"),
        "unknown_name": attempt(known.whole, "nonesuch"),
        "too_many": attempt(known.whole, f"{PROVIDER}:429"),
        "too_many_streamed": attempt(known.stream, f"{PROVIDER}:429"),
    }
    return {**answers, "errors": errors}
