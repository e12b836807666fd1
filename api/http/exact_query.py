"""What our own doors are asked behind the ? of an address is read as exactly as a body (`body.py`).

A name that the door does not know is refused, or a misspelt filter would show everything; so is one that stands twice,
of which one would not count. A whole number has one spelling. Doors that others have described pass over what they do
not know: a cache, or whoever watches the service, adds names of its own. So does whoever only tells us something.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

from fastapi import Request
from fastapi.dependencies.models import Dependant

from custody.kernel.errors import Rejected

OURS = "/v1/"
ASKS = frozenset({"GET", "HEAD"})
_WHOLE = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)


async def check_query(request: Request) -> None:
    """A dependency of every route; raises `Rejected("query")`."""
    asked = request.query_params.multi_items()
    if not asked or request.method not in ASKS or not request.scope["path"].startswith(OURS):
        return
    known = dict(_known(request.scope["route"].dependant))
    times = Counter(name for name, _ in asked)
    for name, value in asked:
        if name not in known:
            fix = f"Use one of {', '.join(known)}." if known else "Leave it out: nothing is asked behind a ? here."
            raise _refused(f"{name[:100]!r} is asked for nowhere here", fix)
        if times[name] > 1:
            raise _refused(f"{name!r} stands twice in the address", "Ask once for each.")
        if int in (known[name], *get_args(known[name])) and _WHOLE.fullmatch(value) is None:
            raise _refused(f"{name} is {value[:100]!r}, which is no whole number", "Write it in digits alone.")


def _known(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """What a route and all that it depends on are asked for: names, and the types of their values."""
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for each in dependant.dependencies:
        yield from _known(each)


def _refused(why: str, fix: str) -> Rejected:
    return Rejected("query", why, fix=fix)
