"""Addresses and forms hold text that can be kept; `json_bodies.py` sees to the same in JSON.

PostgreSQL keeps no NUL, and no database keeps half of a surrogate pair, which a form's own `charset` can bring in.
Either is refused wherever it stands: path, query, field, name or media type of a file. What a file holds is its own.
"""

import re
from collections.abc import Iterator

from fastapi import Request, params
from starlette.datastructures import FormData

from api.http.body_limits import MOST_FIELDS, MOST_FILES
from custody.kernel.errors import Rejected

NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


async def check_text(request: Request) -> None:
    """A dependency of every route; raises `Rejected("text")`."""
    query = (text for pair in request.query_params.multi_items() for text in pair)
    _check("the address", iter([request.scope["path"], *query]))
    if _takes_form(request):  # the form of any other route is not read here
        await read_form(request)


async def read_form(request: Request) -> FormData:
    """The form of a request, for a route that reads it by hand; raises `Rejected("text")`."""
    form = await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES)
    _check("the form", _texts(form))
    return form


def _takes_form(request: Request) -> bool:
    field = getattr(request.scope["route"], "body_field", None)
    return field is not None and isinstance(field.field_info, params.Form)


def _check(where: str, texts: Iterator[str]) -> None:
    if any(NOT_TEXT.search(text) for text in texts):
        raise Rejected(
            "text", f"{where} holds a character that is no text", fix="Leave NUL and lone surrogates out, send UTF-8."
        )


def _texts(form: FormData) -> Iterator[str]:
    for name, value in form.multi_items():
        yield name
        if isinstance(value, str):
            yield value
        else:
            yield value.filename or ""
            yield value.content_type or ""
