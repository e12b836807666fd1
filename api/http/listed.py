"""What may be asked of a list."""

from collections.abc import Iterable

from custody.kernel.errors import Rejected


def check_state(state: str | None, known: Iterable[str]) -> None:
    """Raise `Rejected("state")` for one that no table knows: an empty list would say that there is nothing to do."""
    if state is not None and state not in (names := tuple(known)):
        raise Rejected("state", f"there is no state {state!r}", fix=f"One of: {', '.join(names)}.")
