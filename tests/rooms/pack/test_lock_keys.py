"""The keys of commands and handsets in a pack are those that held when the log was told, whatever was named later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.investigation.pack.locks import LockFile, LockHistory, LockKeys
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep, Verification
from custody.ledger.statements import read_policy
from custody.store.policy_book import newest_policy
from custody.usecases.export_pack import Beside
from custody.usecases.open_log import put_policy
from devicelock.rules.ack import make_ack, open_ack
from devicelock.rules.command import (
    REASONS,
    Authority,
    Basis,
    Command,
    CommandSigners,
    KeyRing,
    Op,
    Reason,
    make_command,
    open_command,
)
from tests.rooms.pack.pack_world import IMEI, World, key, lock_handset, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps

LATER = CommandSigners(lock=key("later-lock"), unlock=key("later-unlock"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A parcel, a case and a lock, under a policy that names the keys of commands."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as told:
        send_parcel(told)
        open_case_of(told)
        lock_handset(told)
        yield told


def name_keys(world: World, lock_keys: Any) -> None:
    """A new policy with these keys for commands."""
    with world.house.unit() as unit:
        before = read_policy(newest_policy(unit.session))
        policy = replace(
            before.policy,
            version=before.policy.version + 1,
            previous=before.message.digest,
            rules={**before.policy.rules, "lock_keys": lock_keys},
        )
        put_policy(world.house, unit, policy)


def name_later_keys(world: World) -> None:
    name_keys(world, {"lock": key("later-lock").public.kid, "unlock": key("later-unlock").public.kid})


def command_of(world: World) -> tuple[LockHistory, Command]:
    (history,) = world.locks.orders
    (row,) = history.commands
    return history, open_command(row.raw, KeyRing(lock=key("lock").public, unlock=key("unlock").public))


def with_command(world: World, command: Command, signers: CommandSigners, *, answered: bool = True) -> LockFile:
    """The history with this command, by these keys, in the place of the one that was signed."""
    history, _ = command_of(world)
    (row,) = history.commands
    told = replace(row, raw=make_command(command, signers))
    told = told if answered else replace(told, ack=None, acked_ms=None)
    assert signers.lock is not None
    keys = LockKeys(lock=signers.lock.public, unlock=signers.unlock.public)
    return LockFile(keys=keys, orders=(replace(history, commands=(told,)),))


def judged(world: World, locks: LockFile, **beside: Any) -> Verification:
    return verify_pack(world.export(Beside(locks=locks, **beside)).content, vkey=world.vkey)


def test_a_command_by_a_key_that_was_named_only_later_is_refused(world: World) -> None:
    name_later_keys(world)
    verification = judged(world, with_command(world, command_of(world)[1], LATER))
    assert failed_steps(verification) == {PackStep.LOCKS}


def test_a_command_by_the_key_that_was_named_then_holds_after_the_keys_were_exchanged(world: World) -> None:
    assert judged(world, world.locks).ok
    name_later_keys(world)
    assert judged(world, world.locks).ok


def test_where_no_policy_named_keys_yet_a_command_is_the_packs_own_word(world: World) -> None:
    name_keys(world, None)
    with world.house.unit() as unit:
        history, command = command_of(world)
        facts = {"order": "lock-2", "device": history.device, "state": history.state, "command": "cmd-2"}
        index = unit.record("lock.published", facts)
    name_later_keys(world)
    again = with_command(world, replace(command, command_id="cmd-2", order="lock-2"), LATER, answered=False)
    (history,) = again.orders
    again = replace(again, orders=(replace(history, order="lock-2", indexes=(history.indexes[0], index)),))
    verification = judged(world, again)
    assert verification.ok
    assert any("named no keys" in check.what for check in verification.checks if check.ok is None)


def test_a_lock_whose_records_are_closed_is_noted_and_not_refused(world: World) -> None:
    history, _ = command_of(world)
    *_, published, locked = history.indexes
    requested = replace(history, state="approved")
    closed = dict.fromkeys((published, locked), "the recipient asked for it")
    verification = judged(world, replace(world.locks, orders=(requested,)), withhold=closed)
    assert verification.ok
    assert any("tells when it was signed" in check.what for check in verification.checks if check.ok is None)


def test_a_release_that_no_record_tells_of_is_noted_and_not_refused(world: World) -> None:
    _, command = command_of(world)
    assert Reason.LAPSED in REASONS[Op.UNLOCK]
    lapse = Authority(basis=Basis.LAPSE, text="The order had ended.")
    facts: dict[str, Any] = {"nonce": None, "held_until_s": None, "screen": None, "authority": lapse}
    release = replace(command, op=Op.UNLOCK, command_id="cmd-2", reason=Reason.LAPSED, **facts)
    signers = CommandSigners(lock=key("lock"), unlock=key("unlock"))
    locks, (before,) = with_command(world, release, signers, answered=False), world.locks.orders
    (after,) = locks.orders
    both = replace(after, commands=(*before.commands, *after.commands))
    verification = judged(world, replace(locks, orders=(both,)))
    assert verification.ok
    assert any("tells when it was signed" in check.what for check in verification.checks if check.ok is None)
    # Its key is still one that the log has named at some time.
    refused = judged(world, with_command(world, release, LATER, answered=False))
    assert failed_steps(refused) == {PackStep.LOCKS}
    assert any("not one that the log's policy names" in check.what for check in refused.failures)


def test_an_answer_by_a_key_that_was_registered_only_later_is_refused(world: World) -> None:
    history, _ = command_of(world)
    (row,) = history.commands
    assert row.ack is not None
    mine = key("dev-1 of the operator")
    with world.house.unit() as unit:
        again = {"device": history.device, "kid": mine.public.kid, "imei": IMEI}
        index = unit.record("device.registered", again)
    forged = make_ack(open_ack(row.ack, device=history.device, key=history.device_key), mine)
    history = replace(
        history,
        device_key=mine.public,
        commands=(replace(row, ack=forged),),
        indexes=(*history.indexes, index),
    )
    assert failed_steps(judged(world, replace(world.locks, orders=(history,)))) == {PackStep.LOCKS}
