"""What a check comes to, of a pack, a log or a proof, as one word and one exit code for all commands that check.

| word | exit code | it says |
|---|---|---|
| SOUND | 0 | all of it holds |
| WRONG | 1 | something does not |
| OPEN | 3 | nothing that was seen is wrong, but not all of it could be read or checked, or witnesses are awaited |

2 is for what was given to the command and cannot be used; nothing was checked then. Witnesses are awaited where whoever
checks gave a policy, or a pack's log names one, and its quorum has not countersigned: that is no fault of anybody's.
"""

from collections.abc import Sequence
from enum import StrEnum


class Outcome(StrEnum):
    """The word."""

    SOUND = "SOUND"
    WRONG = "WRONG"
    OPEN = "OPEN"

    @property
    def code(self) -> int:
        """The exit code."""
        return {Outcome.SOUND: 0, Outcome.WRONG: 1, Outcome.OPEN: 3}[self]


def who_is_awaited(cosigned: Sequence[str], awaited: Sequence[str]) -> str:
    """For somebody who is no engineer: who signed, and who is waited for, by their names in the policy."""
    signed = f"only the operator and {', '.join(cosigned)} signed" if cosigned else "only the operator signed"
    if len(awaited) == 1:
        return f"{signed}; wait for the countersignature of {awaited[0]}"
    return f"{signed}; wait for the countersignatures of enough of {', '.join(awaited)}"
