"""Write docs/api.md from the OpenAPI description of the public application.

    python docs/generate_api.py            # write the page
    python docs/generate_api.py --check    # fail when the page is stale
    python docs/generate_api.py --openapi  # print the description itself, from which the page's types are made

The page depends on the routes and models alone. `tests/unit/repository/test_docs_references.py` runs the check.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from soniquebay.api.access import REFUSALS
from soniquebay.api.public import public_app
from soniquebay.api.services import Services
from soniquebay.settings import from_environment

PAGE = Path(__file__).parent / "api.md"
INTRODUCTION = """\
# API

<!-- Made by `make docs-api` from the code (docs/generate_api.py). Do not edit it by hand. -->

The public API answers on port 80 of the appliance, `http://soniquebay.local`, with [TLS](operating.md#tls) on 443.
`soniquebay serve` puts it on `http://127.0.0.1:8080`. The appliance also serves the description itself: `/openapi.json`
for programs, and `/docs` for people.

Every request needs a login, except `/api/health`, `/api/session`, `/api/claim` and `/api/sign-in`
([security](security.md#listeners)). A browser signs in at `/sign-in` and gets a cookie. A program sends an app
password: `Authorization: Bearer <app password>`. A user with the role `listen` reads and plays; what starts, changes or
shows the work of the appliance needs the role `manage`. Whoever has not signed in is answered with 401, and whoever may
not do something with 403. Nobody can insert over this port;
those routes belong to the internal API.

- Requests and answers are JSON, except for covers, events and the points of the map. A list is a page: `items`,
  and `total` over all pages.
- Lists of the library have a `next` in each page, which is the `cursor` of the page behind it. Every page of them takes
  the same time, and rows that are added or vanish meanwhile neither repeat nor hide others. `total` is counted where
  there is no `cursor`, unless `count` says otherwise; in a large library the count takes longer than the page.
- A request that does not match its description is answered with 422 and the fields that are wrong. Lists refuse a
  parameter that they do not know.
- A request that a page of another site sent and that would change something is answered with 403, one to a name that is
  not the appliance's with 421, and a body of more than 1 MiB with 413 ([security](security.md#listeners)).
- A route answers 507 when the disk is full, and 503 when it cannot use the database for another reason. `detail` says
  what can be done; `code` is `disk_full` or `read_only` where nothing can be saved.
- Five wrong passwords are answered with 401, further ones with 429 and `Retry-After`.
- Paths of files are encoded: a byte that is not UTF-8 reads `\\xNN`, and a backslash is doubled.
"""
WIDTH = 120
Json = Mapping[str, Any]


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is stale")
    parser.add_argument("--openapi", action="store_true", help="print the description as JSON instead")
    options = parser.parse_args()
    # Requests alone use the other services.
    unused = dict.fromkeys(("accounts", "open_requests", "request_counts", "listening"))
    services = SimpleNamespace(settings=from_environment({}), **unused)
    description = public_app(cast(Services, services)).openapi()
    if options.openapi:
        print(json.dumps(description))
        return
    page = render(description)
    if not options.check:
        PAGE.write_text(page, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit(f"{PAGE} is stale; run: make docs-api")


def render(description: Json) -> str:
    """Return the page for an OpenAPI description."""
    groups: dict[str, list[tuple[str, Json]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((f"{method.upper()} {path}", operation))
    blocks = [INTRODUCTION]
    blocks.append(
        table(
            ("request", "what it does"),
            [
                (f"[`{name}`](#{anchor(name)})", paragraphs(operation)[0])
                for operations in groups.values()
                for name, operation in operations
            ],
        )
    )
    for tag, operations in groups.items():
        blocks.append(f"## Requests: {tag}\n")
        for name, operation in operations:
            blocks += _operation(name, operation)
    blocks.append("## Types\n")
    for name, schema in description["components"]["schemas"].items():
        blocks += _schema(name, schema)
    return "\n".join(blocks)


def _operation(name: str, operation: Json) -> Iterator[str]:
    yield f"### {name}\n"
    yield from (f"{wrap(text)}\n" for text in paragraphs(operation))
    if parameters := operation.get("parameters"):
        rows = [
            (f"`{p['name']}`", p["in"], kind(p["schema"]), default(p["schema"], required=p.get("required", False)),
             p.get("description") or p["schema"].get("description", ""))
            for p in parameters
        ]  # fmt: skip
        yield table(("parameter", "in", "type", "default", "meaning"), rows)
    if body := operation.get("requestBody"):
        optional = "" if body.get("required") else " It may be left out."
        ((media, content),) = body["content"].items()
        yield f"Body: {kind(content['schema']) if media == 'application/json' else media}.{optional}\n"
    # The introduction tells what is the same everywhere.
    common = {str(status): refusal["description"] for status, refusal in REFUSALS.items()}
    answers = [item for item in operation["responses"].items() if item[1]["description"] != common.get(item[0])]
    yield table(("status", "body", "meaning"), [_response(*item) for item in answers])


def _response(status: str, response: Json) -> tuple[str, str, str]:
    content = response.get("content", {})
    bodies = [kind(body["schema"]) if "schema" in body else media for media, body in content.items()]
    standard = {"Successful Response": "", "Validation Error": "the request does not match its description"}
    meaning: str = response["description"]
    return status, " or ".join(bodies), standard.get(meaning, meaning)


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}\n"
    yield from (f"{wrap(text)}\n" for text in paragraphs(schema))
    required = schema.get("required", ())
    rows = [
        (f"`{field}`", kind(facts), "" if field in required else default(facts, required=False))
        for field, facts in schema["properties"].items()
    ]
    yield table(("field", "type", "default"), rows)


def kind(schema: Json) -> str:
    """Return a schema's type in words, its limits included."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(f'`"{value}"`' for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}{_limits(schema)}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {kind(schema['additionalProperties'])}"
    return f"{schema.get('type', 'anything')}{_limits(schema)}"


def _limits(schema: Json) -> str:
    words = {"minimum": "from", "minItems": "at least", "maximum": "to", "maxLength": "at most", "maxItems": "at most"}
    found = [f"{word} {_number(schema[name])}" for name, word in words.items() if name in schema]
    return f" ({', '.join(found).replace(', to ', ' to ')})" if found else ""


def _number(value: float) -> str:
    """Return a number as people write it, a large power of two as such."""
    if not isinstance(value, int):  # a limit of a float
        return _number(int(value)) if value.is_integer() else str(value)
    power = value.bit_length() - 1
    return f"2^{power}" if value == 2**power and power > 16 else str(value)


def default(schema: Json, *, required: bool) -> str:
    """Return what holds where nothing is given."""
    if required:
        return "required"
    value = schema.get("default")
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def paragraphs(described: Json) -> list[str]:
    """Return the paragraphs of a description, each as one line."""
    text = described.get("description") or ""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()] or [""]


def anchor(heading: str) -> str:
    """Return the anchor that GitHub and MkDocs give a heading of these."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.strip().replace(" ", "-")


def wrap(text: str) -> str:
    """Return a paragraph in lines of at most `WIDTH`."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a column that is empty in every row is left out."""
    used = [place for place in range(len(header)) if place == 0 or any(row[place] for row in rows)]
    lines = [[header[place] for place in used], ["---"] * len(used)]
    lines += [[row[place].replace("|", "\\|") for place in used] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
