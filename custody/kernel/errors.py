"""What can go wrong, said by what the caller can do about it.

Every error carries a short machine word (`code`), a sentence saying what was wrong and where (`detail`),
and a sentence saying what to do next (`fix`). HTTP statuses live elsewhere (RFC 9457 problem documents).
"""

from typing import Any


class Trouble(Exception):
    """Base of every error that crosses a room's border."""

    def __init__(self, code: str, detail: str, *, fix: str = "", **facts: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.fix = fix
        self.facts = facts


class Rejected(Trouble):
    """The input is wrong; sending it again unchanged will not help."""


class Forbidden(Trouble):
    """The caller lacks the authority; `fix` says who or what would allow it."""


class NotFound(Trouble):
    """The named thing does not exist or is not visible to the caller."""


class Conflict(Trouble):
    """The input is fine but the state does not allow it now; nothing was changed."""


class Unavailable(Trouble):
    """A part is busy or away; the same call may work later."""


class Fatal(Trouble):
    """The service's own invariants are broken; it stops rather than guess."""
