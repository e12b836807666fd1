"""The fields of a form for who is who in the contract: all of them may stay empty, and none has to be shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Depends

from api.pages.sent_form import Typed
from api.routes.event_parts import PeopleIn
from custody.disputes.people import MOST_NAME, Relation
from custody.kernel.errors import Rejected

NAMES = (*map(str, Relation), "write_to")
TICKS = ("holder_died", "payer_died", "user_has", "user_has_not")
MOST_PEOPLE_FORM: Mapping[str, int] = MappingProxyType(dict.fromkeys(NAMES, MOST_NAME) | dict.fromkeys(TICKS, 20))


def typed_people(
    *,
    holder: Typed = "",
    payer: Typed = "",
    user: Typed = "",
    representative: Typed = "",
    write_to: Typed = "",
    holder_died: Typed = "",
    payer_died: Typed = "",
    user_has: Typed = "",
    user_has_not: Typed = "",
) -> dict[str, str]:
    """The fields as they were typed."""
    names = {"holder": holder, "payer": payer, "user": user, "representative": representative, "write_to": write_to}
    ticks = {"holder_died": holder_died, "payer_died": payer_died, "user_has": user_has, "user_has_not": user_has_not}
    return names | ticks


TypedPeople = Annotated[dict[str, str], Depends(typed_people)]


def people_in_form(given: Mapping[str, Any]) -> PeopleIn | None:
    """What was typed and ticked, None if nothing was; raises `Rejected` with the name of a field."""
    typed = {name: given[name].strip() for name in NAMES if str(given.get(name, "")).strip()}
    ticked = {name for name in TICKS if given.get(name)}
    if not typed and not ticked:
        return None
    if {"user_has", "user_has_not"} <= ticked:
        raise Rejected("user_has", "both answers are ticked", fix="Tick one of the two.")
    died = [relation for relation in (Relation.HOLDER, Relation.PAYER) if f"{relation}_died" in ticked]
    has_it = "user_has" in ticked if ticked & {"user_has", "user_has_not"} else None
    return PeopleIn(**typed, died=died, user_has_it=has_it)
