"""The fields of a form for what somebody promised the customer elsewhere: all of them may stay empty."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from fastapi import Depends

from api.pages.case_moves import READ
from api.pages.sent_form import Typed
from api.routes.reports import ToldIn
from custody.disputes.outside_promise import MOST_NAME, MOST_PENCE, MOST_WORDS
from custody.kernel.errors import Rejected

MOST_TOLD_FORM: Mapping[str, int] = MappingProxyType(
    {"told": MOST_WORDS, "told_by": MOST_NAME, "told_until": 20, "told_pounds": 20}
)


def typed_told(
    told: Typed = "", told_by: Typed = "", told_until: Typed = "", told_pounds: Typed = ""
) -> dict[str, str]:
    """The fields as they were typed."""
    return {"told": told, "told_by": told_by, "told_until": told_until, "told_pounds": told_pounds}


TypedTold = Annotated[dict[str, str], Depends(typed_told)]


def told_in_form(given: Mapping[str, str]) -> list[ToldIn]:
    """What was typed, or nothing; raises `Rejected` with the name of a field that cannot be read."""
    typed = {name: given.get(name, "").strip() for name in MOST_TOLD_FORM}
    if not any(typed.values()):
        return []
    if not typed["told"]:
        raise Rejected("told", "it does not say what you were promised", fix="Say what it was, in your own words.")
    until = READ["day"]("told_until", typed["told_until"]) if typed["told_until"] else None
    pence = READ["pounds"]("told_pounds", typed["told_pounds"]) if typed["told_pounds"] else None
    if pence is not None and not 0 < pence <= MOST_PENCE:
        raise Rejected("told_pounds", "the sum is nothing", fix="Leave it empty, or write how much it is.")
    return [ToldIn(what=typed["told"], by_whom=typed["told_by"], until=until, amount_pence=pence)]
