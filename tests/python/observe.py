"""How the programs beside this file say what an SDK made of an answer."""

import json

from pydantic import BaseModel

# A picture of one pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    """The form of a structured answer."""

    name: str
    inhabitants: int


def strict(value):
    """Holds an SDK's object to its own types: the SDKs themselves build objects without looking."""
    type(value).model_validate(value.to_dict())
    return value


def unknown(value, path=""):
    """Every member, in any depth, that the SDK's types don't know."""
    if isinstance(value, BaseModel):
        found = [f"{path}.{name}".lstrip(".") for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += unknown(getattr(value, name, None), f"{path}.{name}")
        return found
    if isinstance(value, (list, tuple)):
        return [name for item in value for name in unknown(item, path)]
    return []


def error(raised):
    """What a caller's `except` gets to see."""
    response = getattr(raised, "response", None)
    said = {"raised": type(raised).__name__, "message": str(raised)}
    for name in ("status_code", "code", "type", "param", "request_id"):
        if getattr(raised, name, None) is not None:
            said[name] = getattr(raised, name)
    if response is not None:
        names = ("retry-after", "x-should-retry", "x-request-id")
        said["headers"] = {name: response.headers[name] for name in names if name in response.headers}
    return said


def attempt(call, *arguments):
    """What `call` gives, or what it raises."""
    try:
        return call(*arguments)
    except Exception as raised:  # noqa: BLE001, whatever it is, the test wants to see it
        return error(raised)


async def attempt_async(call, *arguments):
    """What `call` gives, or what it raises."""
    try:
        return await call(*arguments)
    except Exception as raised:  # noqa: BLE001, whatever it is, the test wants to see it
        return error(raised)


def report(found):
    """Prints what was found for the test that reads it."""
    print(json.dumps(found))
