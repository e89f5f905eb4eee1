"""What the official Google SDK can do beside contents: counts of tokens, vectors, files and batches. The argument is
another key."""

import io
import os
import sys
import tempfile

from google.genai import types
from google_client import client

from observe import report


def attempt(call):
    try:
        return call()
    except Exception as raised:  # noqa: BLE001, whatever it is, the test wants to see it
        return {"raised": type(raised).__name__, "code": getattr(raised, "code", None), "message": str(raised)}


def vectors(google, model, contents, **config):
    answer = google.models.embed_content(model=model, contents=contents, config=config or None)
    usage = answer.usage_metadata
    return {"values": [one.values for one in answer.embeddings], "tokens": usage and usage.prompt_token_count}


def files(google, stranger):
    kept = google.files.upload(file=io.BytesIO(b"hello"), config={"mime_type": "text/plain", "display_name": "notes"})
    asked = {"model": "gemini", "contents": ["What is this?", kept]}
    found = {
        "kept": [kept.name, kept.display_name, kept.mime_type, kept.size_bytes],
        "again": google.files.get(name=kept.name).size_bytes,
        "listed": [file.name for file in google.files.list()],
        "asked": google.models.generate_content(**asked).text,
        "strangers": {
            "read": attempt(lambda: stranger.files.get(name=kept.name)),
            "delete": attempt(lambda: stranger.files.delete(name=kept.name)),
            "named": attempt(lambda: stranger.models.generate_content(**asked)),
            "listed": len(list(stranger.files.list())),
        },
    }
    google.files.delete(name=kept.name)
    found["gone"] = attempt(lambda: google.files.get(name=kept.name))
    return found


def long_file(google):
    """More than the SDK sends in one piece."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(b"0123456789" * 900_000)
        file.flush()
        return google.files.upload(file=file.name).size_bytes == os.path.getsize(file.name)


def batches(google, stranger):
    call = {"contents": [{"parts": [{"text": "Hello"}], "role": "user"}], "config": {"max_output_tokens": 10}}
    bad = types.InlinedRequest(**call, metadata={"key": "bad"})
    made = google.batches.create(model="gemini", src=[types.InlinedRequest(**call), bad], config={"display_name": "two"})
    seen = google.batches.get(name=made.name)
    results = [
        [one.response.text if one.response else None, one.error.message if one.error else None]
        for one in seen.dest.inlined_responses
    ]
    found = {
        "states": [made.state.name, seen.state.name],
        "results": results,
        "listed": [batch.name for batch in google.batches.list()],
        "strangers": {
            "read": attempt(lambda: stranger.batches.get(name=made.name)),
            "cancel": attempt(lambda: stranger.batches.cancel(name=made.name)),
            "delete": attempt(lambda: stranger.batches.delete(name=made.name)),
            "listed": len(list(stranger.batches.list())),
        },
        "by_file": attempt(lambda: google.batches.create(model="gemini", src="files/f1")),
        "of_vectors": attempt(
            lambda: google.batches.create_embeddings(model="vectors", src={"inlined_requests": {"contents": ["a"]}})
        ),
    }
    google.batches.delete(name=made.name)
    found["gone"] = attempt(lambda: google.batches.get(name=made.name))
    return found


def main():
    google, stranger = client(), client(api_key=sys.argv[1])
    counted = google.models.count_tokens(model="gemini", contents="Hello there, how are you?")
    report({
        "counted": counted.total_tokens,
        "estimated": google.models.count_tokens(model="plain", contents="Hello there, how are you?").total_tokens,
        "many": vectors(google, "vectors", ["a", "b"], output_dimensionality=2, task_type="RETRIEVAL_QUERY"),
        "one": vectors(google, "vectors", "a"),
        "elsewhere": vectors(google, "plain-vectors", ["a", "b"], output_dimensionality=2),
        "refused": attempt(lambda: vectors(google, "plain-vectors", "a", title="T")),
        "files": attempt(lambda: files(google, stranger)),
        "long_file": attempt(lambda: long_file(google)),
        "batches": attempt(lambda: batches(google, stranger)),
    })


main()
