"""An act on a case that somebody changed meanwhile is refused, and told who did what.

Each change of a case makes its next version; what is only noted beside it, such as a file that the customer gave, makes
none. Who acts may name the version that they looked at: their act is made on that one or not at all. An act that
changes nothing, since somebody did the same, is overtaken by nobody.
"""

from collections.abc import Mapping

import msgspec
from sqlmodel import Session

from custody.kernel.clock import to_iso
from custody.kernel.errors import Conflict
from custody.store import case_book


def check_version(session: Session, dispute: str, seen: int | None, *, stands: int) -> None:
    """Return if nobody changed the case between the version that was looked at and this one; raises `Conflict`."""
    if seen in {None, stands}:
        return
    lines = [(line, msgspec.json.decode(line.facts)) for line in case_book.timeline(session, dispute)]
    meanwhile = [
        {"at": to_iso(line.at_ms), "kind": line.kind, "actor": line.actor, "claim_type": facts.get("claim_type")}
        for line, facts in lines
        if (seen or 0) < facts.get("version", 0) <= stands
    ]
    done = "; ".join(map(_in_words, meanwhile)) or "nothing is known of it"
    raise Conflict(
        "changed",
        f"the case is not at version {seen} any more, which you looked at: {done}",
        fix=f"Read GET /v1/disputes/{dispute} again; if your act is still right, send it with version {stands}.",
        version=stands,
        meanwhile=meanwhile,
    )


def _in_words(step: Mapping[str, str | None]) -> str:
    kind = f" ({step['claim_type']})" if step["claim_type"] else ""
    return f"{step['kind']}{kind} by {step['actor']} at {step['at']}"
