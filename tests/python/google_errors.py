"""Provokes errors through the gateway with the official Google SDK and prints what it raised.

    python google_errors.py PROVIDER CASE…
"""

import sys

from google_client import client
from observe import report

PROVIDER, CASES = sys.argv[1], sys.argv[2:]


def whole(google, model):
    return google.models.generate_content(model=model, contents="Hello").text


def stream(google, model):
    return [piece.text for piece in google.models.generate_content_stream(model=model, contents="Hello")]


def provoke(call, *arguments):
    try:
        return call(*arguments)
    except Exception as raised:  # noqa: BLE001, whatever it is, the test wants to see it
        said = {"raised": type(raised).__name__, "message": str(raised)}
        for name in ("code", "status", "details"):
            said[name] = getattr(raised, name, None)
        response = getattr(raised, "response", None)
        headers = getattr(response, "headers", {})
        said["headers"] = {name: headers[name] for name in ("retry-after", "x-request-id") if name in headers}
        return said


def main():
    google, stranger = client(), client(api_key="sk-nobody")
    asked = [(case, google, f"{PROVIDER}:{case}") for case in CASES]
    asked += [
        ("wrong_key", stranger, f"{PROVIDER}:text"),
        ("unknown_name", google, "nonesuch"),
        ("unknown_provider", google, "nowhere:text"),
    ]
    report({
        case: {"whole": provoke(whole, who, model), "stream": provoke(stream, who, model)} for case, who, model in asked
    })


main()
