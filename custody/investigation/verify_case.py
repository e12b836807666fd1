"""What the records of a pack say of the case itself, beside the steps of its timeline."""

from collections.abc import Mapping
from typing import Any

Records = Mapping[int, Mapping[str, Any]]


def claims_of(records: Records, dispute: str) -> list[str]:
    """The kinds of problem that were agreed on in a case, in the order of the log."""
    return [fields["claim_type"] for fields in _steps(records, dispute) if fields.get("claim_type")]


def _steps(records: Records, dispute: str) -> list[Mapping[str, Any]]:
    mine = [fields for _, fields in sorted(records.items()) if fields.get("dispute") == dispute]
    return [fields for fields in mine if fields["kind"].startswith("dispute.")]
