"""The lock history: who signed commands and answers, and what the command line reads beside that."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli import verify
from api.cli.verify import check_file, render
from custody.investigation.pack.archive import MAX_PACK_BYTES
from custody.investigation.pack.locks import LockCommand, LockFile, LockHistory, LockKeys
from custody.investigation.pack.log import replay
from custody.investigation.verify.form import open_pack
from custody.investigation.verify.locks import check_locks
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import Notebook, PackStep
from custody.kernel import cbor, cose
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import SoftwareSigner
from custody.ledger.note import text_key
from custody.usecases.export_pack import Beside, PackExported
from tests.rooms.pack.pack_world import World, key, lock_handset, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps, told_otherwise


def signed_again(raw: bytes, signer: SoftwareSigner, **facts: object) -> bytes:
    """The same message with other fields, by another key."""
    message = cose.parse(raw)
    assert message.payload is not None
    header = {label: value for label, value in message.protected.items() if label not in {cose.ALG, cose.KID}}
    return cose.sign(header, cbor.encode({**cbor.decode(message.payload), **facts}), signer)


def in_other_words(raw: bytes, signer: SoftwareSigner, **claims: object) -> bytes:
    """The same message with other claims, rightly signed."""
    message = cose.parse(raw)
    assert message.payload is not None
    told = {**message.claims, **{getattr(cose, name): value for name, value in claims.items()}}
    header = {label: value for label, value in message.protected.items() if label not in {cose.ALG, cose.KID}}
    return cose.sign({**header, cose.CWT_CLAIMS: told}, message.payload, signer)


def carrying(raw: bytes, payload: bytes, signer: SoftwareSigner) -> bytes:
    """Another payload under the same header, rightly signed."""
    header = cose.parse(raw).protected
    return cose.sign(
        {label: value for label, value in header.items() if label not in {cose.ALG, cose.KID}}, payload, signer
    )


def flipped(raw: bytes | None) -> bytes:
    """The message with another last byte, which is one of its signature."""
    assert raw is not None
    return raw[:-1] + bytes([raw[-1] ^ 1])


def with_command(locks: LockFile, change: Callable[[LockCommand], LockCommand]) -> LockFile:
    (history,) = locks.orders
    return replace(locks, orders=(replace(history, commands=tuple(map(change, history.commands))),))


def with_history(locks: LockFile, **facts: object) -> LockFile:
    return replace(locks, orders=tuple(replace(history, **facts) for history in locks.orders))  # type: ignore[arg-type]  # facts of a history


def told(change: Callable[[bytes], bytes]) -> Callable[[LockFile], LockFile]:
    return lambda locks: with_command(locks, lambda row: replace(row, raw=change(row.raw)))


def said(change: Callable[[bytes], bytes]) -> Callable[[LockFile], LockFile]:
    return lambda locks: with_command(locks, lambda row: replace(row, ack=change(row.ack or b"")))


LIST, OTHER = cbor.encode(["lock"]), "urn:weaklink:device:dev-2"
LIES: dict[str, Callable[[LockFile], LockFile]] = {
    "a command whose signature was changed": told(flipped),
    "an answer whose signature was changed": said(flipped),
    "a command of another operator": told(lambda raw: in_other_words(raw, key("lock"), ISS="urn:weaklink:operator:x")),
    "a command for another device": told(lambda raw: in_other_words(raw, key("lock"), SUB=OTHER)),
    "a command without a name": told(lambda raw: signed_again(raw, key("lock"), id=1)),
    "a command that is a list": told(lambda raw: carrying(raw, LIST, key("lock"))),
    "a command with something beside it": told(
        lambda raw: cose.parse(raw).with_unprotected({cose.RECEIPTS: [b""]}).raw
    ),
    "an answer in another device's name": said(lambda raw: in_other_words(raw, key("dev-1"), ISS=OTHER)),
    "an answer to another command": said(lambda raw: in_other_words(raw, key("dev-1"), SUB="urn:weaklink:command:x")),
    "an answer that is a list": said(lambda raw: carrying(raw, LIST, key("dev-1"))),
    "an answer with something beside it": said(
        lambda raw: cose.parse(raw).with_unprotected({cose.RECEIPTS: [b""]}).raw
    ),
    "a lock by the unlock key": lambda locks: with_command(
        locks, lambda row: replace(row, raw=signed_again(row.raw, key("unlock")))
    ),
    "a lock by nobody's key": lambda locks: with_command(
        locks, lambda row: replace(row, raw=signed_again(row.raw, key("thief")))
    ),
    "a command of another order": lambda locks: with_command(
        locks, lambda row: replace(row, raw=signed_again(row.raw, key("lock"), order="lock-2"))
    ),
    "a fourth kind of command": lambda locks: with_command(
        locks, lambda row: replace(row, raw=signed_again(row.raw, key("lock"), op="wipe"))
    ),
    "an answer by another device": lambda locks: with_command(
        locks, lambda row: replace(row, ack=signed_again(row.ack or b"", key("thief")))
    ),
    "an answer that is a command": lambda locks: with_command(locks, lambda row: replace(row, ack=row.raw)),
    "no message at all": lambda locks: with_command(locks, lambda row: replace(row, raw=b"lock it")),
    "another device's key": lambda locks: with_history(locks, device_key=key("thief").public),
    "another lock key": lambda locks: replace(locks, keys=LockKeys(lock=key("thief").public, unlock=locks.keys.unlock)),
    "no unlock key beside commands": lambda locks: replace(locks, keys=LockKeys(lock=locks.keys.lock)),
    "a lock that the log was never told of": lambda locks: with_command(
        locks, lambda row: LockCommand(raw=signed_again(row.raw, key("lock"), id="cmd-9"), issued_ms=row.issued_ms)
    ),
    "a command that is told to be older than it is": lambda locks: with_command(
        locks, lambda row: replace(row, issued_ms=row.issued_ms - DAY_MS)
    ),
    "another state": lambda locks: with_history(locks, state="active_confirmed"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lock_history_with_a_lie_is_refused(world: World, lie: str) -> None:
    pack = world.export(Beside(locks=LIES[lie](world.locks)))
    assert failed_steps(verify_pack(pack.content, vkey=world.vkey)) == {PackStep.LOCKS}


def test_an_unlock_may_be_signed_by_either_key(world: World, tmp_path: Path) -> None:
    def unlock(signer: SoftwareSigner) -> Callable[[LockCommand], LockCommand]:
        return lambda row: replace(row, raw=signed_again(row.raw, signer, op="unlock"))

    for name in ("unlock", "lock"):
        pack = world.export(Beside(locks=with_command(world.locks, unlock(key(name)))))
        assert verify_pack(pack.content, vkey=world.vkey).ok
        # A LOCK's fields in an UNLOCK are against the rules of the device lock, which the command line knows.
        assert failed_steps(check_file(saved(tmp_path, pack))) == {PackStep.LOCKS}


def saved(folder: Path, pack: PackExported) -> Path:
    path = folder / "pack.zip"
    path.write_bytes(pack.content)
    return path


def test_commands_out_of_order_are_refused_by_the_command_line(world: World, tmp_path: Path) -> None:
    def twice(locks: LockFile) -> LockFile:
        (history,) = locks.orders
        return replace(locks, orders=(replace(history, commands=history.commands * 2),))

    path = saved(tmp_path, world.export(Beside(locks=twice(world.locks))))
    assert verify_pack(path.read_bytes(), vkey=world.vkey).ok
    verification = check_file(path, vkey=world.vkey)
    assert failed_steps(verification) == {PackStep.LOCKS}
    assert any("out of order" in check.what for check in verification.failures)


def test_an_order_that_the_packs_own_records_tell_of_is_not_hidden(world: World, pack: PackExported) -> None:
    verification = told_otherwise(world, pack.content, locks=replace(open_pack(pack.content).locks, orders=()))
    assert failed_steps(verification) == {PackStep.LOCKS}
    assert not any(check.ok for check in verification.checks if check.step is PackStep.LOCKS)


def test_a_command_that_the_packs_own_records_tell_of_is_not_hidden(world: World, pack: PackExported) -> None:
    bare = with_history(open_pack(pack.content).locks, commands=())
    verification = told_otherwise(world, pack.content, locks=bare)
    assert [check.what for check in verification.failures] == [
        "records of lock-1 tell of commands that are not here: cmd-1"
    ]


def test_an_answer_that_the_packs_own_records_tell_of_is_not_hidden(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world, answer_by="dev-1")
        unanswered = with_command(world.locks, lambda row: replace(row, ack=None, acked_ms=None))
        assert verify_pack(world.export().content, vkey=world.vkey).ok
        verification = verify_pack(world.export(Beside(locks=unanswered)).content, vkey=world.vkey)
    assert [check.what for check in verification.failures] == [
        "records of lock-1 tell of an answer that is not here: cmd-1"
    ]


def test_a_command_that_the_handset_caused_needs_no_answer_and_other_records_are_no_steps(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world)
        (history,) = world.locks.orders
        (lock,) = history.commands
        unlock = LockCommand(
            raw=signed_again(lock.raw, key("unlock"), op="unlock", id="cmd-2"), issued_ms=lock.issued_ms
        )
        facts = {"order": history.order, "device": history.device, "actor": history.device, "command": "cmd-2"}
        with world.house.unit() as unit:
            step = unit.record("lock.release", {**facts, "state": "release_queued"})
            beside = [
                unit.record("device.seen", {**facts, "state": "seen", "command": "cmd-3"}),
                unit.record("lock.read", {**facts, "command": "cmd-4"}),
            ]
        released = replace(
            history,
            state="release_queued",
            commands=(lock, unlock),
            indexes=(*history.indexes, step, *beside),
        )
        pack = world.export(
            Beside(locks=replace(world.locks, orders=(released,)), withhold={history.indexes[1]: "why"})
        )
        verification = verify_pack(pack.content, vkey=world.vkey)
        verification.demand()
        told = "lock-1 is release_queued, as the last of its 4 records says"
        assert told in {check.what for check in verification.checks if check.ok}


def test_the_record_of_one_answer_tells_nothing_of_when_another_one_came(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        open_case_of(world)
        lock_handset(world, answer_by="dev-1")
        (history,) = world.locks.orders
        (lock,) = history.commands
        unlock = LockCommand(
            raw=signed_again(lock.raw, key("unlock"), op="unlock", id="cmd-2"),
            issued_ms=lock.issued_ms,
            ack=in_other_words(lock.ack or b"", key("dev-1"), SUB="urn:weaklink:command:cmd-2"),
            acked_ms=lock.acked_ms,
        )
        both = with_history(world.locks, commands=(lock, unlock))
        verification = verify_pack(world.export(Beside(locks=both)).content, vkey=world.vkey)
    verification.demand()
    told = [check.what for check in verification.checks if check.ok is None and "is told by no record" in check.what]
    assert [line.partition(" came")[0] for line in told] == ["when the answer to command 2 of lock-1"]


def test_a_log_whose_policy_names_no_keys_leaves_those_of_commands_to_the_packs_own_word(pack: PackExported) -> None:
    opened = open_pack(pack.content)
    registry = replay(opened.entries)
    bare = tuple(replace(row, policy=replace(row.policy, rules={})) for row in registry.policies)
    notes = Notebook(step=PackStep.LOCKS)
    check_locks(opened, replace(registry, policies=bare), notes)
    assert notes.clean
    assert [check.ok for check in notes.checks if "the pack's own word" in check.what] == [None]


def test_an_order_that_was_never_sent_holds(world: World) -> None:
    with world.house.unit() as unit:
        facts = {"order": "lock-9", "device": "dev-1", "state": "refused", "actor": "sup-1"}
        index = unit.record("lock.refused", facts)
    refused = LockHistory(
        order="lock-9", state="refused", device="dev-1", device_key=key("dev-1").public, indexes=(index,)
    )
    for locks in (
        replace(world.locks, orders=(*world.locks.orders, refused)),
        LockFile(keys=LockKeys(), orders=(refused,)),
    ):
        verify_pack(world.export(Beside(locks=locks)).content, vkey=world.vkey).demand()


def test_the_records_of_an_order_tell_of_its_own_device(world: World) -> None:
    with world.house.unit() as unit:
        facts = {"order": "lock-9", "device": "dev-1", "state": "requested", "actor": "agent-1"}
        index = unit.record("lock.requested", facts)
    asked = LockHistory(
        order="lock-9", state="requested", device="dev-9", device_key=key("dev-9").public, indexes=(index,)
    )
    for device, refused in (("dev-1", False), ("dev-9", True)):
        mine = replace(asked, device=device, device_key=key(device).public)
        pack = world.export(Beside(locks=replace(world.locks, orders=(*world.locks.orders, mine))))
        failures = verify_pack(pack.content, vkey=world.vkey).failures
        assert [check.what for check in failures] == ["records of lock-9 tell of another device than dev-9"] * refused


def test_the_state_of_an_order_whose_last_record_holds_a_contact_is_the_operators_word(world: World) -> None:
    facts = {"order": "lock-8", "device": "dev-1"}
    with world.house.unit() as unit:
        asked = unit.record("lock.requested", {**facts, "state": "requested", "actor": "agent-1"})
        why = "Ring 07700 900123 first."
        no = unit.record("lock.refused", {**facts, "state": "refused", "actor": "sup-1", "why": why})
    for state in ("refused", "requested"):
        history = LockHistory(
            order="lock-8", state=state, device="dev-1", device_key=key("dev-1").public, indexes=(asked, no)
        )
        pack = world.export(Beside(locks=replace(world.locks, orders=(*world.locks.orders, history))))
        verification = verify_pack(pack.content, vkey=world.vkey)
        verification.demand()
        assert [
            (check.ok, check.what) for check in verification.checks if check.what.startswith(f"lock-8 is {state}")
        ] == [(None, f"lock-8 is {state} on the operator's word: a record of it after entry {asked} cannot be opened")]


def test_the_command_line_says_the_same_for_people_and_for_machines(
    world: World, pack: PackExported, tmp_path: Path
) -> None:
    path = saved(tmp_path, pack)
    verification = check_file(path, vkey=world.vkey)
    assert verification.ok
    assert any("rules of the device lock" in check.what for check in verification.checks)
    assert [check.step for check in verification.checks] == sorted(check.step for check in verification.checks)
    told = json.loads(render(verification, True))
    assert (told["ok"], told["dispute"], len(told["checks"])) == (True, world.case, len(verification.checks))
    assert told["checks"][0] == {
        "step": 1,
        "title": "Form: every byte as exported",
        "ok": True,
        "what": verification.checks[0].what,
        "where": "",
        "unchecked": False,
        "cosigned": [],
        "awaited": [],
    }
    text = render(verification, False)
    assert (
        text.splitlines()[-1]
        == f"The pack of case {world.case} holds: {len(verification.checks)} findings, none against it."
    )
    path.write_bytes(pack.content[:-1] + b"\1")
    refused = check_file(path)
    assert not refused.ok
    assert json.loads(render(refused, True))["ok"] is False
    assert "FAIL" in render(refused, False)
    assert "REFUSED" in render(refused, False)


def test_a_refused_pack_cannot_write_on_the_checkers_screen(world: World, pack: PackExported) -> None:
    opened = open_pack(pack.content)
    order = "x\n\nThe pack of case c holds: 99 findings, none against it.\x1b[8m"
    hostile = replace(opened.locks.orders[0], order=order, commands=(), indexes=(9999,))
    locks = replace(opened.locks, orders=(*opened.locks.orders, hostile))
    verification = told_otherwise(world, pack.content, locks=locks)
    assert any("\x1b" in check.what for check in verification.failures)
    told = render(verification, False)
    assert "REFUSED" in told.splitlines()[-1]
    assert not any(line.startswith("The pack of case") for line in told.splitlines())
    assert "\x1b" not in told + render(verification, True)
    assert order in " ".join(check["what"] for check in json.loads(render(verification, True))["checks"])


def test_the_command_line_takes_a_witness_policy_from_a_file(world: World, pack: PackExported, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {world.vkey}\nquorum none\n")
    assert check_file(saved(tmp_path, pack), witnesses=policy).ok
    policy.write_bytes(f"log {world.vkey}\r\nquorum none\r\n".encode())
    assert check_file(tmp_path / "pack.zip", witnesses=policy).ok


@pytest.mark.parametrize("policy", [b"\xff", b"", b"hello\n"])
def test_a_mistake_of_the_checker_is_no_finding_against_the_pack(
    world: World, pack: PackExported, tmp_path: Path, policy: bytes
) -> None:
    path, mine = saved(tmp_path, pack), tmp_path / "policy"
    mine.write_bytes(policy)
    with pytest.raises(Rejected):
        check_file(path, witnesses=mine)
    with pytest.raises(Rejected, match="vkey"):
        check_file(path, vkey=world.vkey[:-4])


@pytest.mark.parametrize(
    ("line", "why"), [(f"log {text_key('log.example', key('thief').public).vkey()}\n", "another log"), ("", "no log")]
)
def test_a_policy_of_another_log_is_no_finding_against_the_pack_whoever_names_the_logs_key(
    world: World, pack: PackExported, tmp_path: Path, line: str, why: str
) -> None:
    path, mine = saved(tmp_path, pack), tmp_path / "policy"
    mine.write_text(f"{line}quorum none\n")
    for vkey in (world.vkey, None):
        with pytest.raises(Rejected, match=why):
            check_file(path, vkey=vkey, witnesses=mine)


@pytest.mark.parametrize("content", [b"", b"Dear Sir, I enclose the pack.", b"%PDF-1.7"])
def test_a_file_that_is_no_pack_is_the_checkers_mistake_and_no_refused_pack(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pack.zip").write_bytes(content)
    with pytest.raises(Rejected, match="is no evidence pack"):
        check_file(tmp_path / "pack.zip")


def test_one_finding_is_counted_as_one(pack: PackExported, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(pack.content[:1000])
    assert render(check_file(tmp_path / "pack.zip"), False).endswith("The pack is REFUSED: 1 finding against it.")


def test_a_file_that_is_not_there_or_far_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        check_file(tmp_path / "absent.zip")
    huge = tmp_path / "huge.zip"
    with huge.open("wb") as file:
        file.truncate(2 * MAX_PACK_BYTES + 1)
    with pytest.raises(Rejected):
        check_file(huge)


def test_what_has_no_size_of_its_own_is_read_only_as_far_as_a_pack_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MAX_PACK_BYTES", 1_000)
    with pytest.raises(Rejected):
        check_file(Path("/dev/zero"))
