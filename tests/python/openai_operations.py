"""What the official OpenAI SDK can do beside text: vectors, pictures, sound, moderation, files of a kind."""

import base64

import openai
from observe import PNG, attempt, report, strict, unknown

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


def completed():
    asked = {"model": "up:write", "prompt": "Once", "max_tokens": 3}
    whole = strict(client.completions.create(**asked))
    return {"whole": whole.choices[0].text, "streamed": [one.choices[0].text for one in client.completions.create(stream=True, **asked) if one.choices]}


report({
    "vectors": attempt(vectors),
    "pictures": attempt(pictures),
    "sound": attempt(sound),
    "moderated": attempt(moderated),
    "completed": attempt(completed),
    "lacking": attempt(lambda: client.embeddings.create(model="claude:x", input="a")),
})
