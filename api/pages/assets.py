"""The one stylesheet and the one script, under addresses that change with their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Response

from custody.kernel.errors import NotFound

router = APIRouter(prefix="/assets", include_in_schema=False)
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the pages and the digest of its content."""

    content: bytes
    media_type: str
    digest: str


def _read() -> Mapping[str, Asset]:
    folder = files("api.pages").joinpath("static")
    found = {}
    for name in ("console.css", "console.js", "icon.svg"):
        content = folder.joinpath(name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        found[name] = Asset(content=content, media_type=TYPES[name.rpartition(".")[2]], digest=digest)
    return found


ASSETS = _read()


def address_of(name: str) -> str:
    """Where a page finds the file."""
    return f"/assets/{ASSETS[name].digest}/{name}"


@router.get("/{digest}/{name}")
def asset(digest: str, name: str) -> Response:
    """The file; an old address is not found, so that no page is ever dressed in another version's styles."""
    found = ASSETS.get(name)
    if found is None or found.digest != digest:
        raise NotFound("asset", f"there is no file {name!r} of that version", fix="Load the page again.")
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)
