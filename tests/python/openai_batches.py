"""Files and batches through the gateway with the official OpenAI SDK.

    python openai_batches.py KEY_OF_SOMEONE_ELSE
"""

import json
import sys

import openai
from observe import attempt, report, strict

BODY = {"model": "fast", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


def line(custom_id):
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": BODY})


def main():
    client = openai.OpenAI(max_retries=0, timeout=20)
    other = openai.OpenAI(api_key=sys.argv[1], max_retries=0, timeout=20)
    lines = "\n".join(line(custom_id) for custom_id in ["a", "b", "bad"]).encode()
    file = strict(client.files.create(file=("calls.jsonl", lines), purpose="batch"))
    made = strict(client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"},
    ))
    states = []
    for _ in range(20):
        batch = strict(client.batches.retrieve(made.id))
        states.append(batch.status)
        if batch.status == "completed":
            break
    results = [json.loads(text) for text in client.files.content(batch.output_file_id).text.splitlines()]
    second = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
    )
    report({
        "file": [file.filename, client.files.retrieve(file.id).id == file.id],
        "states": states,
        "results": [[result["custom_id"], result["response"]["body"]["choices"][0]["message"]["content"]] for result in results],
        "errors": len(client.files.content(batch.error_file_id).text.splitlines()),
        "cancelled": client.batches.cancel(second.id).status,
        "batches": [batch.id for batch in client.batches.list(limit=1)] == [second.id, made.id],
        "files": [kept.purpose for kept in client.files.list()],
        "others": [len(list(other.files.list())), len(list(other.batches.list()))],
        "strange": {
            "file": attempt(other.files.retrieve, file.id),
            "content": attempt(other.files.content, file.id),
            "batch": attempt(other.batches.retrieve, made.id),
            "cancel": attempt(other.batches.cancel, made.id),
            "input": attempt(lambda: other.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h",
            )),
        },
        "deleted": client.files.delete(file.id).deleted,
        "gone": attempt(client.files.retrieve, file.id),
    })


main()
