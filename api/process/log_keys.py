"""The keys of a service are those that its log names: with others it starts nothing.

Handsets hold the keys that locks and releases are signed with, and auditors those of log and operator, for as long as
the log lasts. With a key that was lost and made anew a locked handset would hear no release, and its unlock codes would
be wrong; so whatever is missing beside a log is not made, and what does not fit the newest policy is refused. Of the
secret of unlock codes the policy names a mark, which a log from before that gets at the next start. The registrar's key
may be another by now, as registrars decide; without the right one enrolment says who can.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from api.process.keyring import CODES, Keyring, mark_of
from custody.kernel.errors import Fatal, NotFound
from custody.ledger.policy import Policy
from custody.ledger.statements import read_policy
from custody.store import log_reader
from custody.store.policy_book import newest_policy
from custody.store.unit import House
from custody.usecases.open_log import change_rules, rules_in_force

LASTING = ("log", "operator", "lock", "unlock")
LOCK_KEYS, CODES_MARK = "lock_keys", "codes_mark"
FIX = "Put back the folder of the keys as it was when this log was last written, from your copy of it."


def require_keys(engine: Engine, folder: Path) -> None:
    """Raise `Fatal("keys")` if a key is missing beside a database that holds a log, before one is made anew."""
    missing = [name for name in (*(f"{purpose}.pem" for purpose in LASTING), CODES) if not (folder / name).exists()]
    if missing and log_reader.is_begun(engine):
        raise Fatal(
            "keys",
            f"{folder} lacks {', '.join(missing)}, and the database holds a log that was written with it",
            fix=FIX,
        )


def check_keys(session: Session, keyring: Keyring, *, origin: str, folder: Path) -> None:
    """Raise `Fatal` if the log is not of this origin, or was written with other keys; an empty log fits all."""
    try:
        policy = read_policy(newest_policy(session)).policy
    except NotFound:
        return
    if policy.origin != origin:
        raise Fatal(
            "origin",
            f"the database holds the log {policy.origin}, and the setting origin says {origin}",
            fix=f"Set WEAKLINK_ORIGIN={policy.origin}, or give the log of another origin a database of its own.",
        )
    others = [file for file, mine, named in _named(policy, keyring) if mine != named]
    if others:
        raise Fatal("keys", f"{', '.join(others)} in {folder} is not the key that the log names", fix=FIX)


def key_rules(keyring: Keyring) -> dict[str, Any]:
    """What the rules of a log name of the keys that handsets go by: thumbprints, and a mark of the secret of codes."""
    lock_keys = {"lock": keyring.lock.public.kid, "unlock": keyring.unlock.public.kid}
    return {LOCK_KEYS: lock_keys, CODES_MARK: mark_of(keyring.codes)}


def name_codes(house: House, keyring: Keyring) -> None:
    """Name the secret of codes in a log that was begun when none named it: from now on it is that one."""
    with house.unit() as unit:
        if CODES_MARK not in rules_in_force(unit):
            change_rules(house, unit, {CODES_MARK: mark_of(keyring.codes)})


def _named(policy: Policy, keyring: Keyring) -> Iterator[tuple[str, bytes, bytes]]:
    yield "log.pem", keyring.log.public.kid, policy.log_key.kid
    yield "operator.pem", keyring.operator.public.kid, policy.operator_key.kid
    commands = policy.rules.get(LOCK_KEYS, {})
    for purpose, signer in (("lock", keyring.lock), ("unlock", keyring.unlock)):
        if purpose in commands:
            yield f"{purpose}.pem", signer.public.kid, commands[purpose]
    if CODES_MARK in policy.rules:
        yield CODES, mark_of(keyring.codes), policy.rules[CODES_MARK]
