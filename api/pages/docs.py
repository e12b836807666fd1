"""The API's documentation as one page of our own, drawn from the OpenAPI document, without anything from outside."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from api.pages.render import page

router = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter or a field of a body."""

    name: str
    where: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    about: str
    fields: tuple[Field, ...]
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
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                found = methods[method]
                tag = str(found.get("tags", ["other"])[0])
                groups.setdefault(tag, []).append(_operation(document, path, method, found))
    return page(request, "docs.html", title=document["info"]["title"], info=document["info"], groups=groups)


def _operation(document: dict[str, Any], path: str, method: str, found: dict[str, Any]) -> Operation:
    fields = [
        Field(
            name=each["name"],
            where=each["in"],
            kind=_kind(each.get("schema", {})),
            required=each.get("required", False),
            about=each.get("description", ""),
        )
        for each in found.get("parameters", [])
    ]
    for media_type, content in found.get("requestBody", {}).get("content", {}).items():
        fields += _body(document, media_type, content.get("schema", {}))
    answers = tuple((code, answer.get("description", "")) for code, answer in found.get("responses", {}).items())
    summary, _, more = str(found.get("description", found.get("summary", ""))).partition("\n")
    return Operation(
        method=method.upper(), path=path, summary=summary, about=more.strip(), fields=tuple(fields), answers=answers
    )


def _body(document: dict[str, Any], media_type: str, schema: dict[str, Any]) -> list[Field]:
    whole = _resolve(document, schema)
    required = set(whole.get("required", []))
    return [
        Field(
            name=name,
            where=media_type,
            kind=_kind(part),
            required=name in required,
            about=_resolve(document, part).get("description", ""),
        )
        for name, part in whole.get("properties", {}).items()
    ]


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = str(schema.get("$ref", ""))
    if not reference.startswith("#/"):
        return schema
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format", kind)) if kind == "string" else kind
