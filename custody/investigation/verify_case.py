"""What the records of a pack say of the case itself, beside the steps of its timeline."""

from collections.abc import Mapping
from typing import Any

Records = Mapping[int, Mapping[str, Any]]


def is_step(fields: Mapping[str, Any], dispute: str) -> bool:
    """Whether a record tells of a step of this case."""
    return fields["kind"].startswith("dispute.") and fields.get("dispute") == dispute


def claims_of(records: Records, dispute: str) -> list[str]:
    """The kinds of problem that were agreed on in a case, in the order of the log."""
    steps = [fields for _, fields in sorted(records.items()) if is_step(fields, dispute)]
    return [fields["claim_type"] for fields in steps if fields.get("claim_type")]
