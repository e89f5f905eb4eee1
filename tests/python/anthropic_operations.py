"""What the official Anthropic SDK can do beside messages: counts of tokens and files. The argument is another key."""

import sys

import anthropic
from observe import attempt, report, unknown

client = anthropic.Anthropic(max_retries=0, timeout=20)
stranger = anthropic.Anthropic(max_retries=0, timeout=20, api_key=sys.argv[1])
HELLO = [{"role": "user", "content": "Hello"}]


def files():
    kept = client.beta.files.upload(file=("notes.txt", b"hello", "text/plain"))
    block = {"type": "document", "source": {"type": "file", "file_id": kept.id}}
    asked = {"model": "claude:m", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    found = {
        "kept": [kept.id, kept.filename, unknown(kept)],
        "again": client.beta.files.retrieve_metadata(kept.id).size_bytes,
        "listed": [file.id for file in client.beta.files.list()],
        "content": client.beta.files.download(kept.id).read().decode(),
        "asked": client.beta.messages.create(**asked).content[0].text,
        "strangers": [
            attempt(lambda: stranger.beta.files.retrieve_metadata(kept.id)),
            attempt(lambda: stranger.beta.messages.create(**asked)),
            len(list(stranger.beta.files.list())),
        ],
    }
    found["deleted"] = client.beta.files.delete(kept.id).type
    found["gone"] = attempt(lambda: client.beta.files.retrieve_metadata(kept.id))
    return found


report({
    "tokens": client.messages.count_tokens(model="claude:m", messages=HELLO).input_tokens,
    "uncounted": attempt(lambda: client.messages.count_tokens(model="up:m", messages=HELLO).input_tokens),
    "files": attempt(files),
})
