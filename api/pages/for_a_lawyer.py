"""One page for an outsider who trusts nobody: how the log convinces, and how to check it (`ledger/FOR_A_LAWYER.md`).

The paper is shown as it stands, with this log's address and key put into its commands.
"""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.pages.markdown import read_blocks
from api.pages.render import page
from api.parts import Parts, parts_of, service_address
from custody.ledger.note import text_key

ADDRESS = "/for-a-lawyer"
URL, VKEY = "LOG-URL", "LOG-VKEY"
PICTURE = "for_a_lawyer.svg"

router = APIRouter(include_in_schema=False)
_FOLDER = files("custody.ledger")
_TEXT = _FOLDER.joinpath("FOR_A_LAWYER.md").read_text(encoding="utf-8")
_PICTURE = _FOLDER.joinpath(PICTURE).read_bytes()


@router.get(ADDRESS)
def for_a_lawyer(request: Request, parts: Annotated[Parts, Depends(parts_of)]) -> Response:
    """The page."""
    vkey = text_key(parts.house.origin, parts.keyring.log.public).vkey()
    text = _TEXT.replace(URL, f"{service_address(request, parts)}/log").replace(VKEY, vkey)
    return page(request, "for_a_lawyer.html", blocks=tuple(read_blocks(text)), pictures=ADDRESS)


@router.get(f"{ADDRESS}/{PICTURE}")
def picture() -> Response:
    """Its picture."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_PICTURE, media_type="image/svg+xml", headers=headers)
