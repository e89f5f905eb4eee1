"""What the OpenAI SDK can do with responses and conversations that a provider keeps."""

import openai

from observe import attempt, report, strict

client = openai.OpenAI(max_retries=0)
MODEL = "keeper:m-1"


def text_of(answer):
    strict(answer)
    return {"id": answer.id.split("_")[0], "status": answer.status, "text": answer.output_text}


def resumed():
    """A stream in the background is left after its first event and taken up again."""
    stream = client.responses.create(model=MODEL, input="Hello", background=True, stream=True)
    first = next(iter(stream))
    stream.close()
    text, numbers = "", []
    for event in client.responses.retrieve(first.response.id, stream=True, starting_after=first.sequence_number):
        numbers.append(event.sequence_number)
        text += event.delta if event.type == "response.output_text.delta" else ""
    return {"text": text, "numbers": numbers}


def stored():
    made = client.responses.create(model=MODEL, input="Hello")
    found = {
        "made": text_of(made),
        "again": text_of(client.responses.retrieve(made.id)),
        "next": text_of(client.responses.create(model=MODEL, input="And?", previous_response_id=made.id)),
        "items": [item.id for item in client.responses.input_items.list(made.id, limit=1, order="asc")],
    }
    client.responses.delete(made.id)
    found["deleted"] = attempt(lambda: client.responses.retrieve(made.id))
    return found


def background():
    begun = client.responses.create(model=MODEL, input="Hello", background=True)
    return {"begun": begun.status, "cancelled": client.responses.cancel(begun.id).status}


def conversations():
    made = client.conversations.create(metadata={"topic": "demo"})
    found = {
        "made": made.metadata,
        "again": client.conversations.retrieve(made.id).metadata,
        "updated": client.conversations.update(made.id, metadata={"topic": "other"}).metadata,
        "items": [item.id for item in client.conversations.items.list(made.id)],
        "added": len(client.conversations.items.create(made.id, items=[{"role": "user", "content": "Hi"}]).data),
        "item": client.conversations.items.retrieve("msg_c", conversation_id=made.id).id,
        "said": text_of(client.responses.create(model=MODEL, input="Hello", conversation=made.id))["text"],
    }
    client.conversations.items.delete("msg_c", conversation_id=made.id)
    found["deleted"] = client.conversations.delete(made.id).deleted
    found["gone"] = attempt(lambda: client.conversations.retrieve(made.id))
    return found


report(
    {
        "stored": attempt(stored),
        "background": attempt(background),
        "conversations": attempt(conversations),
        "resumed": attempt(resumed),
        "nobodys": attempt(lambda: client.responses.retrieve("resp_nobodys")),
    }
)
