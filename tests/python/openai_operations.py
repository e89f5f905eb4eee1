"""What the official OpenAI SDK can do beside text: vectors, pictures, sound, moderation, files of a kind.

    python openai_operations.py [azure]
"""

import base64
import os
import sys

import openai
from observe import PNG, attempt, report, strict, unknown

if sys.argv[1:] == ["azure"]:
    place = {"azure_endpoint": os.environ["OPENAI_BASE_URL"].removesuffix("/v1"), "api_version": "2024-10-21"}
    client = openai.AzureOpenAI(**place, api_key=os.environ["OPENAI_API_KEY"], max_retries=0, timeout=20)
else:
    client = openai.OpenAI(max_retries=0, timeout=20)


def vectors():
    answer = strict(client.embeddings.create(model="up:embed", input=["a", "b"]))
    floats = client.embeddings.create(model="up:embed", input="a", encoding_format="float")
    return {
        "vectors": [item.embedding for item in answer.data],
        "floats": floats.data[0].embedding,
        "tokens": answer.usage.total_tokens,
        "unknown": unknown(answer),
    }


def pictures():
    made = strict(client.images.generate(model="up:paint", prompt="a boat"))
    picture = ("boat.png", base64.b64decode(PNG), "image/png")
    changed = strict(client.images.edit(model="up:paint", prompt="a red boat", image=picture))
    return [base64.b64decode(answer.data[0].b64_json).decode() for answer in (made, changed)]


def sound():
    heard = strict(client.audio.transcriptions.create(model="up:hear", file=("ahoy.mp3", b"ID3 ahoy")))
    as_text = client.audio.transcriptions.create(
        model="up:hear", file=("ahoy.mp3", b"ID3 ahoy"), response_format="text"
    )
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="up:speak", voice="alloy", input="Ahoy") as spoken:
        said = b"".join(spoken.iter_bytes())
        kind = spoken.headers["content-type"]
    return {"heard": heard.text, "text": as_text.strip(), "said": said.decode("latin-1"), "kind": kind}


def moderated():
    answer = strict(client.moderations.create(model="up:judge", input="hit them"))
    return [result.flagged for result in answer.results]


def chatted():
    asked = {"model": "up:chat", "messages": [{"role": "user", "content": "Hello"}]}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    pieces = [one.choices[0].delta.content for one in client.chat.completions.create(stream=True, **asked) if one.choices]
    responses = client.responses.create(model="up:chat", input="Hello").output_text
    return [whole, "".join(piece or "" for piece in pieces), responses]


def completed():
    asked = {"model": "up:write", "prompt": "Once", "max_tokens": 3}
    whole = strict(client.completions.create(**asked))
    return {"whole": whole.choices[0].text, "streamed": [one.choices[0].text for one in client.completions.create(stream=True, **asked) if one.choices]}


report({
    "vectors": attempt(vectors),
    "pictures": attempt(pictures),
    "sound": attempt(sound),
    "moderated": attempt(moderated),
    "chatted": attempt(chatted),
    "completed": attempt(completed),
    "lacking": attempt(lambda: client.embeddings.create(model="claude:x", input="a")),
})
