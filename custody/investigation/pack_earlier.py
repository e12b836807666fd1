"""Inquiries of the earlier format /1, of answers that were found earlier, brought up to the present one.

They have no `checked`, no `intact_most` (nothing was bound) and no own share of photos (those of the network counted
for everyone), call the first of equal answers the likeliest, and name steps by their codes in the titles of checks.
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
        _refuse_later(part["fleet"], "photo")
        brought["fleet"] = {**part["fleet"], "photo": []}
    if isinstance(history := part.get("history"), dict) and isinstance(rows := history.get("factors"), list):
        brought["history"] = {**history, "factors": [_without_photo(row) for row in rows]}
    return brought


def _without_photo(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    _refuse_later(row, "photo")
    return {**row, "photo": None}


def _refuse_later(part: dict[str, Any], name: str) -> None:
    if name in part:
        raise Rejected("pack_json", f"investigation.json holds what {EARLIER} has not", fix="Ask for it as exported.")
