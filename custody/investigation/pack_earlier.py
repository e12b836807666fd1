"""Inquiries of the earlier format /1, of answers that were found earlier, brought up to the present one.

They have no `checked`, no `intact_most` (nothing was bound), no own shares of photos and of seals that are read as
wrong (those of the network counted for everyone) and no scales that are off. They call the first of equal answers the
likeliest, and name steps by their codes in the titles of checks.
"""

from typing import Any

from custody.kernel.errors import Rejected

EARLIER = "weaklink-investigation/1"
UNBOUND = 1.0


def brought_up(value: Any) -> Any:
    """A value with what its format had none of, and without the place for a whole run, in which nothing ever stood."""
    if not isinstance(value, dict):
        return value
    now = {name: part for name, part in value.items() if name != "whole" or part is not None}
    return {**now, "inputs": _inputs(value.get("inputs"))} if value.get("format") == EARLIER else now


def _inputs(part: Any) -> Any:
    """The inputs with what they had none of; anything that is no such thing as it stands."""
    if not (isinstance(part, dict) and isinstance(part.get("params"), dict)):
        return part
    _refuse_later(part, "checked")
    _refuse_later(part["params"], "intact_most")
    brought = {**part, "checked": [], "params": {**part["params"], "intact_most": UNBOUND}}
    if isinstance(history := part.get("history"), dict) and isinstance(rows := history.get("factors"), list):
        brought["history"] = {**history, "factors": [_with_habits(row) for row in rows]}
    return brought


def _with_habits(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    _refuse_later(part, "photo", "seal", "scale_g")
    return {**part, "photo": None, "seal": None, "scale_g": 0.0}


def _refuse_later(part: dict[str, Any], *names: str) -> None:
    if part.keys() & set(names):
        raise Rejected("pack_json", f"investigation.json holds what {EARLIER} has not", fix="Ask for it as exported.")
