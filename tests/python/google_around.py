"""What stands around a call with the official Google SDK: models, counts of tokens, headers, a stream as one array.

    python google_around.py PROVIDER
"""

import json
import os
import sys
import urllib.request

from google_client import client
from observe import attempt, report

MODEL = f"{sys.argv[1]}:text"


def raw_array():
    """A stream as it comes where nobody asks for events; the key stands in the query."""
    base, key = os.environ["GOOGLE_GEMINI_BASE_URL"], os.environ["GEMINI_API_KEY"]
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}).encode()
    url = f"{base}/v1beta/models/{MODEL}:streamGenerateContent?key={key}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return {"type": answer.headers["content-type"], "events": json.load(answer)}


def main():
    google = client()
    answer = google.models.generate_content(model=MODEL, contents="Hello")
    report({
        "models": [model.name for model in google.models.list()],
        "one": google.models.get(model="models/quick").name,
        "none": attempt(lambda: google.models.get(model="models/nonesuch").name),
        "tokens": google.models.count_tokens(model=MODEL, contents="Hello there, how are you?").total_tokens,
        "tokens_of_nobody": attempt(lambda: google.models.count_tokens(model="nonesuch", contents="x").total_tokens),
        "headers": dict(answer.sdk_http_response.headers),
        "array": raw_array(),
    })


main()
