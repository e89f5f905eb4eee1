"""Writes the traffic with providers that other projects recorded for their tests as exchanges, a JSON file each.

    python traffic.py OUT PACKAGE==VERSION...

The recordings (cassettes of VCR) are taken from the source distributions of Python packages.
"""

import base64
import gzip
import hashlib
import html
import io
import json
import re
import sys
import tarfile
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

import brotli
import yaml
import zstandard
from pip._internal.models.index import PyPI

# Whose host it is, and how its interfaces are named: by the end of the path, the longer first.
OPENAI = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/moderations": "moderations",
    "/images/generations": "images",
    "/images/edits": "images",
    "/audio/transcriptions": "audio",
    "/rerank": "rerank",
    "/models": "models",
}
ANTHROPIC = {"/messages": "messages", "/count_tokens": "count_tokens", "/models": "models"}
GEMINI = {
    ":generateContent": "generate_content",
    ":streamGenerateContent": "generate_content",
    ":embedContent": "embeddings",
    ":batchEmbedContents": "embeddings",
    ":countTokens": "count_tokens",
    "/openai/chat/completions": "openai_chat",
    "/models": "models",
}
HOSTS = [
    ("api.openai.com", "openai", OPENAI),
    ("openai.azure.com", "azure", OPENAI),
    ("api.anthropic.com", "anthropic", ANTHROPIC),
    ("generativelanguage.googleapis.com", "gemini", GEMINI),
    ("aiplatform.googleapis.com", "vertex", GEMINI),
    ("bedrock-runtime", "bedrock", {"/converse": "converse", "/converse-stream": "converse_stream"}),
    ("api.cohere.", "cohere", {"/v2/chat": "chat", "/embed": "embeddings", "/rerank": "rerank"}),
    ("api.mistral.ai", "mistral", OPENAI),
    ("api.groq.com", "groq", OPENAI),
    ("api.together.", "together", OPENAI),
    ("openrouter.ai", "openrouter", OPENAI),
    ("api.x.ai", "xai", OPENAI),
    ("api.deepseek.com", "deepseek", OPENAI),
    ("api.perplexity.ai", "perplexity", OPENAI),
    ("api.fireworks.ai", "fireworks", OPENAI),
    ("huggingface.co", "huggingface", {"/chat/completions": "chat"}),
    ("api.voyageai.com", "voyage", OPENAI),
    ("api.writer.com", "writer", {"/chat": "chat"}),
    (":11434", "ollama", {"/api/chat": "chat", "/api/embed": "embeddings", "/v1/chat/completions": "openai_chat"}),
]


def place(url):
    """The provider and the interface that a URL is of; none where it is neither's."""
    for host, provider, interfaces in HOSTS:
        if host in url.netloc:
            ends = [end for end in interfaces if url.path.endswith(end)]
            return (provider, interfaces[ends[0]]) if ends else None
    return None


def source(requirement):
    """The source distribution of a package, opened."""
    name, version = requirement.split("==")
    page = f"{PyPI.simple_url}/{name}/"
    links = re.findall(r'href="([^"]+)"', urllib.request.urlopen(page, timeout=60).read().decode())
    wanted = [link for link in map(html.unescape, links) if f"-{version}.tar.gz" in link]
    data = urllib.request.urlopen(urllib.parse.urljoin(page, wanted[0]), timeout=300).read()
    return tarfile.open(fileobj=io.BytesIO(data))


def cassettes(archive):
    """Each recording of an archive: its name, and its exchanges."""
    for member in archive:
        if not member.isfile() or not re.search(r"\.ya?ml(\.gz)?$", member.name):
            continue
        data = archive.extractfile(member).read()
        try:
            held = yaml.load(gzip.decompress(data) if member.name.endswith(".gz") else data, yaml.CSafeLoader)
        except yaml.YAMLError:
            continue
        if not isinstance(held, dict):
            continue
        if isinstance(held.get("requests"), list) and isinstance(held.get("responses"), list):
            yield member.name, zip(held["requests"], held["responses"])
        elif isinstance(held.get("interactions"), list):
            pairs = [one for one in held["interactions"] if isinstance(one, dict) and {"request", "response"} <= one.keys()]
            yield member.name, [(one["request"], one["response"]) for one in pairs]


def unpacked(data, encoding):
    """A body as it was before it was compressed. Recorders leave the header where they have unpacked it themselves."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    try:
        return {"br": brotli.decompress, "deflate": zlib.decompress}.get(encoding, bytes)(data)
    except (brotli.error, zlib.error):
        return data


def as_bytes(body):
    if isinstance(body, dict):
        if body.get("base64_string"):
            return base64.b64decode(body["base64_string"])
        body = body.get("string")
    return body if isinstance(body, bytes) else (body or "").encode()


def headers(held):
    flat = {}
    for name, value in (held or {}).items():
        value = value[0] if isinstance(value, list) and value else value
        flat[name.lower()] = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return flat


def as_json(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


def body_of(side):
    """The body of a request or answer; some recorders keep JSON unpacked, or the bytes as `content`."""
    if "parsed_body" in side:
        return json.dumps(side["parsed_body"]).encode()
    return as_bytes(side.get("body") if side.get("body") is not None else side.get("content"))


def answered(response):
    known = headers(response.get("headers"))
    data = unpacked(body_of(response), known.get("content-encoding"))
    kind = known.get("content-type", "")
    if "/" not in kind:
        # Taken away by the recorder.
        stream = "text/event-stream" if data[:6] in (b"event:", b"data: ") else "application/vnd.amazon.eventstream"
        kind = "application/json" if data.lstrip()[:1] in (b"{", b"[") else stream
    status = response.get("status", response.get("status_code", 200))
    status = status["code"] if isinstance(status, dict) else status
    answer = {"status": int(status), "headers": {"content-type": kind}}
    parsed = None if "event-stream" in kind else as_json(data)
    if isinstance(parsed, (dict, list)):
        return answer | {"body": parsed}
    try:
        return answer | {"raw": data.decode()}
    except UnicodeDecodeError:
        return answer | {"raw_base64": base64.b64encode(data).decode()}


def exchange(name, request, response):
    """One exchange; none where it is with nobody that is known here, or nothing was answered."""
    url = urllib.parse.urlparse(request.get("uri") or request.get("url") or "")
    where = place(url)
    answer = answered(response) if where else {}
    if not where or not any(answer.get(member) for member in ("body", "raw", "raw_base64")):
        return None
    method = request.get("method", "POST")
    if (method == "GET") != (where[1] == "models"):
        return None
    asked = as_json(unpacked(body_of(request), None))
    named = re.search(r"/deployments/([^/]+)/", url.path)
    if named and isinstance(asked, dict):
        asked.setdefault("model", named[1])
    query = dict(urllib.parse.parse_qsl(url.query))
    query.pop("key", None)
    kept = {k: v for k, v in headers(request.get("headers")).items() if k in ("anthropic-version", "anthropic-beta")}
    # What the provider itself refused need not be understood.
    asked = asked if answer["status"] < 400 else None
    return {
        "source": name, "provider": where[0], "api": where[1], "fidelity": "wire", "features": [],
        "request": {"method": method, "path": url.path, "query": query, "headers": kept, "body": asked},
        "response": answer,
    }  # fmt: skip


def main(out, requirements):
    seen = set()
    for requirement in requirements:
        before = len(seen)
        for name, pairs in cassettes(source(requirement)):
            for request, response in pairs:
                found = exchange(name, request, response)
                key = found and hashlib.sha256(json.dumps(found["response"], sort_keys=True).encode()).hexdigest()[:16]
                if not found or key in seen:
                    continue
                seen.add(key)
                case = re.sub(r"[^a-z0-9]+", "-", Path(name).name.split(".")[0].lower())[:60] + "-" + key[:8]
                folder = out / found["provider"] / found["api"]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{case}.json").write_text(json.dumps(found | {"case": case}))
        print(f"{requirement:<60} {len(seen) - before:>6}", flush=True)
    print(f"{len(seen)} exchanges")


main(Path(sys.argv[1]), sys.argv[2:])
