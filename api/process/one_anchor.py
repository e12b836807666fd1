"""One anchor for one log: with another one, or with none where there was one, a service does not start.

What no backup takes back (`devicelock/anchor.py`) is of use only where every service of a log reads and writes it: one
that has another would not know of handsets that were retired for ever. So an anchor has a name, which the rules of the
log's policy hold. A log and an anchor from before that get it at the next start. A service that is refused locks and
frees nothing; those that run go on, a handset frees itself at its hour, and its code needs no network.
"""

from sqlmodel import Session

from custody.kernel.errors import Fatal, NotFound
from custody.ledger.statements import read_policy
from custody.store.policy_book import newest_policy
from custody.store.unit import House
from custody.usecases.open_log import change_rules, rules_in_force
from devicelock.anchor import AnchorFile
from devicelock.command_store import is_any_signed

ANCHOR = "anchor"


def check_anchor(session: Session, anchor: AnchorFile, *, fresh: str) -> None:
    """Raise `Fatal("anchor")` if it is not that of the log; a log that names none yet has it, if it was begun before.

    `fresh`: a name for the anchor of such a log that is lost.
    """
    try:
        named = read_policy(newest_policy(session)).policy.rules.get(ANCHOR)
    except NotFound:
        return
    if named in anchor.names() or (named is None and not (_is_blank(anchor) and is_any_signed(session))):
        return
    lost = "is missing" if _is_blank(anchor) else "is not the one that the log names"
    raise Fatal(
        "anchor",
        f"{anchor.path} {lost}, and with it what no backup may take back: which handsets are retired for ever",
        fix="Give all services of this log the same folder by WEAKLINK_KEPT_OUTSIDE; add the lines of the others' "
        "locks.txt to the one in it. If that is lost, put its newest copy back. If there is no copy, make it with the "
        f"one line `anchor {named or fresh}`, and never put an older database back.",
    )


def name_anchor(house: House, anchor: AnchorFile) -> None:
    """Have a log that names none name this one; raises as `check_anchor`, where another service was the first."""
    with house.unit() as unit:
        unit.log.claim()
        name = anchor.name(unit.ids.new(ANCHOR))
        check_anchor(unit.session, anchor, fresh=name)
        if ANCHOR not in rules_in_force(unit):
            change_rules(house, unit, {ANCHOR: name})


def _is_blank(anchor: AnchorFile) -> bool:
    return anchor.is_new() and not anchor.names()
