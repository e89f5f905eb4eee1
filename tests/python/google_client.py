"""The Google SDK's client, as its environment says, without its own retries."""

from google import genai
from google.genai import types


def client(**more):
    options = types.HttpOptions(timeout=20_000, retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(http_options=options, **more)
