"""The API's documentation as one page of our own, drawn from the OpenAPI document, without anything from outside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from api.pages.markdown import Block, read_blocks
from api.pages.render import page

router = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter or a field of a body; one within another is named after it."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path; its fields by where they stand: path, query, header, or the media type of a body."""

    method: str
    path: str
    about: tuple[Block, ...]
    fields: Mapping[str, Sequence[Field]]
    answers: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        plain = "".join(letter if letter.isalnum() else "-" for letter in self.path.strip("/"))
        return f"{self.method.lower()}-{plain}"


@router.get("/docs")
def docs(request: Request) -> Response:
    """Every route with its parameters and fields."""
    document = request.app.openapi()
    groups: dict[str, list[Operation]] = {}
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                found = methods[method]
                groups.setdefault(found["tags"][0], []).append(_operation(document, path, method, found))
    return page(request, "docs.html", info=document["info"], groups=groups, about=about)


def _operation(document: dict[str, Any], path: str, method: str, found: dict[str, Any]) -> Operation:
    fields: dict[str, list[Field]] = {}
    for each in found.get("parameters", []):
        kind, about = _kind(document, each.get("schema", {})), each.get("description", "")
        field = Field(name=each["name"], kind=kind, required=each.get("required", False), about=about)
        fields.setdefault(each["in"], []).append(field)
    told = [str(found.get("description", found.get("summary", "")))]
    for media_type, content in found.get("requestBody", {}).get("content", {}).items():
        body = _resolve(document, content.get("schema", {}))
        whole = Field(name="body", kind="bytes", required=True, about="")
        fields[media_type] = [*_fields(document, body)] or [whole]
        told.append(str(body.get("description", "")))
    answers = tuple((code, answer.get("description", "")) for code, answer in found.get("responses", {}).items())
    about = tuple(read_blocks("\n\n".join(told)))
    return Operation(method=method.upper(), path=path, about=about, fields=fields, answers=answers)


def _fields(document: dict[str, Any], body: dict[str, Any], *, under: str = "") -> Iterator[Field]:
    """The fields of an object, each followed by those within it."""
    required = set(body.get("required", []))
    for name, part in body.get("properties", {}).items():
        about = _resolve(document, part).get("description", "")
        yield Field(name=f"{under}{name}", kind=_kind(document, part), required=name in required, about=about)
        for each in part.get("anyOf", [part]):
            many = "items" in each
            inner = _resolve(document, each["items"] if many else each)
            yield from _fields(document, inner, under=f"{under}{name}{'[]' if many else ''}.")


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = str(schema.get("$ref", ""))
    if not reference.startswith("#/"):
        return schema
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema's type in a word or two."""
    schema = _resolve(document, schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(document, each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    return str(schema.get("format", kind)) if kind == "string" else kind
