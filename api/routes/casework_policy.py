"""The rules by which cases are handled, for whoever wants to read them: each with its source, and what it governs."""

from typing import Any

from fastapi import APIRouter

from custody.disputes.policy import DEFAULT_POLICY

router = APIRouter(prefix="/v1/casework-policy", tags=["disputes"])


@router.get("")
def read() -> dict[str, Any]:
    """The policy that cases pin when they are opened. A rule whose note begins with `stated only:` governs nothing.

    `version` is the SHA-256 of all of it; `kinder` says which way a floor of the law may be changed.
    """
    policy = DEFAULT_POLICY
    return {
        "version": policy.pinned,
        "rules": [rule.plain() for rule in policy.rules],
        "overrides": [rule.plain() for rule in policy.overrides],
    }
