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
    """A value of the earlier format with what it had none of; any other as it stands."""
    if not isinstance(value, dict) or value.get("format") != EARLIER:
        return value
    inputs, whole = value.get("inputs"), value.get("whole")
    return {**value, "inputs": _with(inputs, {"checked": []}), "whole": _with(whole, {})}


def _with(part: Any, more: dict[str, Any]) -> Any:
    """The inputs or the whole run with what they had none of; anything that is no such thing as it stands."""
    if not (isinstance(part, dict) and isinstance(part.get("params"), dict)):
        return part
    _refuse_later(part, "checked")
    _refuse_later(part["params"], "intact_most")
    brought = {**part, **more, "params": {**part["params"], "intact_most": UNBOUND}}
    if isinstance(part.get("fleet"), dict):
        brought["fleet"] = _with_habits(part["fleet"], [], [])
    if isinstance(history := part.get("history"), dict) and isinstance(rows := history.get("factors"), list):
        brought["history"] = {**history, "factors": [_with_habits(row, None, 0.0) for row in rows]}
    return brought


def _with_habits(part: Any, share: Any, scale_g: Any) -> Any:
    if not isinstance(part, dict):
        return part
    _refuse_later(part, "photo", "seal", "scale_g")
    return {**part, "photo": share, "seal": share, "scale_g": scale_g}


def _refuse_later(part: dict[str, Any], *names: str) -> None:
    if part.keys() & set(names):
        raise Rejected("pack_json", f"investigation.json holds what {EARLIER} has not", fix="Ask for it as exported.")
