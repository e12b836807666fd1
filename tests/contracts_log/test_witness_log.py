"""Our own witness: the codes of add-checkpoint in their order, races, restarts, faults, and both kinds of keys."""

import errno
import hashlib
import threading
from pathlib import Path

import pytest

from custody.kernel.errors import Fatal, NotFound, Rejected
from custody.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from custody.ledger.cosignature import Cosigner, cosign, cosign_mldsa, ed25519_message, mldsa_key, new_mldsa_signer
from custody.ledger.merkle import EMPTY_ROOT
from custody.ledger.note import (
    MAX_SIGNATURES,
    Ed25519Verifier,
    Note,
    NoteSignature,
    open_note,
    parse_note,
    parse_signatures,
    parse_vkey,
    sign_text,
    text_key,
)
from custody.ledger.statements import read_policy
from custody.ledger.witness import format_add_checkpoint
from custody.ledger.witness_policy import parse_policy
from custody.store import log_reader, witness_book
from custody.store.policy_book import newest_policy
from custody.store.unit import House
from custody.store.witness_folder import WitnessFolder
from custody.usecases.cosign import ask, take
from custody.usecases.open_log import name_witnesses
from custody.usecases.witness_log import Witness, WitnessAnswer
from tests.contracts_log.small_house import (
    VERIFIER,
    add_records,
    copy_database,
    findings,
    open_house,
    opened_house,
    raises,
)
from tests.world_parts import ORIGIN, Clock, key

NAME = "carrier.example/w1"
LOG = VERIFIER.key
OTHER = text_key("other.example/log", key("other log").public)


def witness(folder: WitnessFolder, **more: object) -> Witness:
    """A witness of that folder."""
    return Witness(folder, name=NAME, signer=key("witness"), logs=[LOG, OTHER], clock=Clock(), **more)  # type: ignore[arg-type]  # only mldsa is ever given


def request(house: House, old: int) -> bytes:
    with house.read() as session:
        return ask(session, old).body


def head(house: House) -> tuple[int, bytes]:
    with house.read() as session:
        found = log_reader.head(session)
    return found.size, found.note


def verified(answer: WitnessAnswer, note: bytes, vkeys: list[str]) -> int:
    assert answer.status == 200, answer.body
    answered = Note(text=parse_note(note).text, signatures=parse_signatures(answer.body))
    return len(open_note(answered.raw(), [Cosigner(key=parse_vkey(vkey)) for vkey in vkeys]).signatures)


def test_a_checkpoint_that_continues_the_last_one_is_cosigned_and_kept(house: House, folder: WitnessFolder) -> None:
    one = witness(folder)
    old = 0
    for more in (0, 3, 300, 0):
        if more:
            add_records(house, more)
        size, note = head(house)
        assert verified(one.add_checkpoint(request(house, old)), note, one.vkeys) == 1
        old = size
        kept = one.checkpoint(hashlib.sha256(ORIGIN.encode()).hexdigest())
        assert open_checkpoint(kept, VERIFIER).size == size
        assert len(open_note(kept, [Cosigner(key=parse_vkey(one.vkeys[0]))]).signatures) == 1


def test_both_kinds_of_keys_cosign(house: House, folder: WitnessFolder) -> None:
    one = witness(folder, mldsa=new_mldsa_signer(bytes(range(32))))
    assert len(one.vkeys) == 2
    assert verified(one.add_checkpoint(request(house, 0)), head(house)[1], one.vkeys) == 2
    assert verified(one.add_checkpoint(request(house, 1)), head(house)[1], one.vkeys[1:]) == 1


def test_extension_lines_of_another_log_are_cosigned_as_they_stand(folder: WitnessFolder) -> None:
    one = witness(folder, mldsa=new_mldsa_signer(bytes(range(32))))
    for old, size, extensions in ((0, 0, ("one", "two")), (0, 0, ("another",)), (0, 5, ("one",))):
        root = EMPTY_ROOT if size == 0 else bytes(32)
        checkpoint = Checkpoint(origin=OTHER.name, size=size, root=root, extensions=extensions)
        note = sign_checkpoint(checkpoint, key("other log"))
        answer = one.add_checkpoint(format_add_checkpoint(old, [], note))
        assert verified(answer, note, one.vkeys) == 2
        at_s = int.from_bytes(parse_signatures(answer.body)[0].blob[:8], "big")
        signed = f"cosignature/v1\ntime {at_s}\n".encode() + note.partition(b"\n\n")[0] + b"\n"
        key("witness").public.verify(parse_signatures(answer.body)[0].blob[8:], signed)
        assert folder.latest(OTHER.name) == checkpoint


def test_a_log_that_signs_with_mldsa_is_witnessed(folder: WitnessFolder) -> None:
    signer = new_mldsa_signer(b"\x01" * 32)
    one = Witness(folder, name=NAME, signer=key("witness"), logs=[mldsa_key(OTHER.name, signer), LOG], clock=Clock())
    checkpoint = Checkpoint(origin=OTHER.name, size=5, root=bytes(32))
    own = cosign_mldsa(checkpoint, name=OTHER.name, signer=signer, at_s=7)
    note = Note(text=checkpoint.text(), signatures=(own,)).raw()
    assert verified(one.add_checkpoint(format_add_checkpoint(0, [], note)), note, one.vkeys) == 1
    foreign = cosign_mldsa(checkpoint, name=OTHER.name, signer=new_mldsa_signer(b"\x02" * 32), at_s=7)
    stranger = Note(text=checkpoint.text(), signatures=(foreign,)).raw()
    assert one.add_checkpoint(format_add_checkpoint(5, [], stranger)).status == 403


def test_the_codes_come_in_the_order_of_the_specification(house: House, folder: WitnessFolder) -> None:
    one = witness(folder)
    add_records(house, 6)
    size, note = head(house)
    good = request(house, 0)

    def by(signer: str, **change: object) -> bytes:
        facts = {"origin": ORIGIN, "size": size, "root": bytes(32), **change}
        return sign_checkpoint(Checkpoint(**facts), key(signer))  # type: ignore[arg-type]  # names and values are given above

    # A malformed request; an unknown origin; a stranger's signature, before any size is looked at.
    assert one.add_checkpoint(b"nonsense").status == 400
    assert one.add_checkpoint(format_add_checkpoint(0, [bytes(32)] * 64, note)).status == 400
    assert one.add_checkpoint(format_add_checkpoint(99, [], by("log", origin="unknown.example"))).status == 404
    assert one.add_checkpoint(format_add_checkpoint(99, [], by("stranger"))).status == 403
    # An old size above the new; a wrong old size, which is told; a proof where none may be.
    assert one.add_checkpoint(format_add_checkpoint(size + 1, [], note)).status == 400
    behind = one.add_checkpoint(format_add_checkpoint(3, [], note))
    assert (behind.status, behind.body, behind.content_type) == (409, "0\n", "text/x.tlog.size")
    assert one.add_checkpoint(format_add_checkpoint(0, [bytes(32)], note)).status == 422
    assert one.add_checkpoint(good).status == 200
    told = one.add_checkpoint(good)
    assert (told.status, told.body) == (409, f"{size}\n")
    # The same size with another root, and a proof that does not lead there.
    assert one.add_checkpoint(format_add_checkpoint(size, [], by("log"))).status == 422
    assert one.add_checkpoint(format_add_checkpoint(size, [bytes(32)], by("log", size=size + 1))).status == 422
    # The same again is cosigned again; an empty tree of another log may be cosigned too.
    assert one.add_checkpoint(format_add_checkpoint(size, [], note)).status == 200
    empty = sign_checkpoint(Checkpoint(origin=OTHER.name, size=0, root=EMPTY_ROOT), key("other log"))
    assert one.add_checkpoint(format_add_checkpoint(0, [], empty)).status == 200
    assert folder.latest(ORIGIN) == open_checkpoint(note, VERIFIER)


def test_the_key_of_one_log_speaks_for_no_other_log(folder: WitnessFolder) -> None:
    text = Checkpoint(origin=ORIGIN, size=5, root=bytes(32)).text()
    foreign = Note(text=text, signatures=(sign_text(text, name=OTHER.name, signer=key("other log")),)).raw()
    assert witness(folder).add_checkpoint(format_add_checkpoint(0, [], foreign)).status == 403
    assert folder.latest(ORIGIN) is None


def test_nothing_that_was_refused_changes_what_is_kept(house: House, folder: WitnessFolder) -> None:
    one = witness(folder)
    name = hashlib.sha256(ORIGIN.encode()).hexdigest()
    with raises(NotFound, "checkpoint"):
        one.checkpoint(name)
    one.add_checkpoint(request(house, 0))
    before = one.checkpoint(name)
    one.add_checkpoint(format_add_checkpoint(1, [], sign_checkpoint(_other(1), key("log"))))
    one.add_checkpoint(format_add_checkpoint(1, [bytes(32)], sign_checkpoint(_other(9), key("log"))))
    assert one.checkpoint(name) == before
    for odd in ("../witness", "A", "0" * 63 + "/"):
        with raises(NotFound, "checkpoint"):
            one.checkpoint(odd)


def test_only_a_hash_names_a_checkpoint_that_is_kept(folder: WitnessFolder, tmp_path: Path) -> None:
    one = witness(folder)
    long = "a" * 61
    for odd in ("secret", f"../{long}", f"{long}.no", "\u00e9" * 64):
        (tmp_path / "witness" / f"{odd}.note").write_bytes(b"somebody's own")
        with raises(NotFound, "checkpoint"):
            one.checkpoint(odd)


def test_a_refusal_says_why_as_plain_text(folder: WitnessFolder) -> None:
    unknown = sign_checkpoint(Checkpoint(origin="unknown.example", size=5, root=bytes(32)), key("log"))
    for body, status in ((b"nonsense", 400), (format_add_checkpoint(0, [], unknown), 404)):
        told = witness(folder).add_checkpoint(body)
        assert (told.status, told.content_type) == (status, "text/plain; charset=utf-8")
        assert len(told.body.split()) > 3
        assert told.body.endswith("\n")


def _other(size: int) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=size, root=b"\x07" * 32)


def test_a_line_that_a_request_repeats_is_kept_once_and_the_witness_goes_on(
    house: House, folder: WitnessFolder
) -> None:
    one = witness(folder, mldsa=new_mldsa_signer(bytes(range(32))))
    size, note = head(house)
    assert one.add_checkpoint(request(house, 0)).status == 200
    own = parse_note(note)
    again = Note(text=own.text, signatures=own.signatures * MAX_SIGNATURES).raw()
    answer = one.add_checkpoint(format_add_checkpoint(size, [], again))
    assert answer.status == 200
    kept = parse_note(one.checkpoint(hashlib.sha256(ORIGIN.encode()).hexdigest()))
    assert kept.signatures == (*own.signatures, *parse_signatures(answer.body))
    add_records(house, 1)
    assert one.add_checkpoint(request(house, size)).status == 200


def test_a_note_of_before_with_more_lines_than_a_note_may_have_is_cut_when_the_witness_starts(
    house: House, tmp_path: Path
) -> None:
    held = WitnessFolder(tmp_path / "w")
    witness(held).add_checkpoint(request(house, 0))
    name = hashlib.sha256(ORIGIN.encode()).hexdigest()
    size, _ = head(house)
    of_log, own = parse_note(held.note(name) or b"").signatures
    old = cosign(held.latest(ORIGIN) or _other(1), name=own.name, signer=key("witness"), at_s=1)
    note = parse_note(held.note(name) or b"")
    held.close()
    path = tmp_path / "w" / f"{name}.note"
    path.write_bytes(Note(text=note.text, signatures=(*[of_log] * 120, old, own)).raw())
    strange = tmp_path / "w" / f"{'0' * 64}.note"
    strange.write_bytes(b"no note")
    again = WitnessFolder(tmp_path / "w")
    assert parse_note(path.read_bytes()) == note
    assert strange.read_bytes() == b"no note"
    add_records(house, 1)
    assert witness(again).add_checkpoint(request(house, size)).status == 200
    again.close()


def test_a_note_that_could_not_be_read_back_does_not_take_the_place_of_the_last_one(
    house: House, folder: WitnessFolder
) -> None:
    own = parse_note(head(house)[1])
    folder.replace(ORIGIN, own.raw())
    for odd, code in (
        (Note(text=own.text, signatures=own.signatures * (MAX_SIGNATURES + 1)).raw(), "note"),
        (sign_checkpoint(Checkpoint(origin=OTHER.name, size=0, root=EMPTY_ROOT), key("other log")), "witness"),
    ):
        with raises(Rejected, code):
            folder.replace(ORIGIN, odd)
    assert folder.latest(ORIGIN) == parse_checkpoint(own.text)


def test_requests_that_race_never_take_the_witness_back(house: House, folder: WitnessFolder) -> None:
    one = witness(folder)
    bodies, sizes = [], []
    one.add_checkpoint(request(house, 0))
    for _ in range(6):
        add_records(house, 2)
        bodies.append(request(house, 1))
        sizes.append(head(house)[0])
    start = threading.Barrier(len(bodies))
    answers: list[int] = []

    def post(body: bytes) -> None:
        start.wait()
        answers.append(one.add_checkpoint(body).status)

    threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, *[409] * (len(bodies) - 1)]
    latest = folder.latest(ORIGIN)
    assert latest is not None
    assert latest.size in sizes


def test_a_witness_that_starts_again_remembers_and_two_cannot_share_a_folder(house: House, tmp_path: Path) -> None:
    held = WitnessFolder(tmp_path / "w")
    witness(held).add_checkpoint(request(house, 0))
    with raises(Fatal, "witness"):
        WitnessFolder(tmp_path / "w")
    held.close()
    again = WitnessFolder(tmp_path / "w")
    told = witness(again).add_checkpoint(request(house, 0))
    assert (told.status, told.body) == (409, "1\n")
    again.close()


def no_space(*_args: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, "no space left on the device")


@pytest.mark.parametrize(("broken", "kept"), [("Path.replace", 1), ("flush", 5)])
def test_no_cosignature_is_given_for_what_may_be_forgotten(
    house: House, folder: WitnessFolder, broken: str, kept: int
) -> None:
    one = witness(folder)
    one.add_checkpoint(request(house, 0))
    add_records(house, 4)
    with pytest.MonkeyPatch.context() as patch:
        if broken == "flush":
            patch.setattr("custody.store.durable_file._flush_folder", no_space)
        else:
            patch.setattr(Path, "replace", no_space)
        with pytest.raises(OSError, match="no space"):
            one.add_checkpoint(request(house, 1))
    latest = folder.latest(ORIGIN)
    assert latest is not None
    assert latest.size == kept
    told = one.add_checkpoint(request(house, 0))
    assert (told.status, told.body) == (409, f"{kept}\n")
    assert one.add_checkpoint(request(house, kept)).status == 200


def test_a_log_that_was_set_back_is_refused_by_the_witness(sqlite_url: str, tmp_path: Path) -> None:
    house = opened_house(sqlite_url)
    house.engine.dispose()
    backup = open_house(copy_database(sqlite_url, tmp_path / "backup"))
    folder = WitnessFolder(tmp_path / "w")
    one = witness(folder)
    add_records(house, 3)
    one.add_checkpoint(request(house, 0))
    add_records(backup, 2)
    with raises(Rejected, "witness"):
        request(backup, 4)
    add_records(backup, 1)
    assert one.add_checkpoint(request(backup, 4)).status == 422
    add_records(backup, 2)
    assert one.add_checkpoint(request(backup, 4)).status == 422
    folder.close()


def policy_text(quorum: str) -> str:
    names = ("carrier", "ombudsman")
    vkeys = [text_key(f"{name}.example/w1", key(name).public, kind=4).vkey() for name in names]  # type: ignore[arg-type]  # 4 is Kind.ED25519_COSIGNATURE
    lines = [f"witness {name} {vkey} http://{name}" for name, vkey in zip(names, vkeys, strict=True)]
    groups = ["group working any carrier ombudsman"] if quorum == "working" else ["group all all carrier ombudsman"]
    return "\n".join([f"log {LOG.vkey()}", *lines, *groups, f"quorum {quorum}", ""])


@pytest.mark.parametrize(("quorum", "shown"), [("working", [1, 1]), ("all", [0, 1])])
def test_the_public_sees_a_checkpoint_once_the_quorum_has_cosigned_it(
    database_url: str, tmp_path: Path, quorum: str, shown: list[int]
) -> None:
    house = opened_house(database_url)
    policy = parse_policy(policy_text(quorum))
    assert policy.urls == {"carrier": "http://carrier", "ombudsman": "http://ombudsman"}
    for name, size in zip(("carrier", "ombudsman"), shown, strict=True):
        folder = WitnessFolder(tmp_path / name)
        one = Witness(folder, name=f"{name}.example/w1", signer=key(name), logs=[LOG], clock=Clock())
        with house.read() as session:
            asked = ask(session, 0)
        answer = one.add_checkpoint(asked.body).body
        with house.unit() as unit:
            take(unit, asked, answer, keys=policy.witnesses, policy=policy)
        with house.read() as session:
            cosigned = witness_book.newest(session)
            assert (cosigned.size if cosigned else 0) == size
        folder.close()
    with house.read() as session:
        cosigned = witness_book.newest(session)
        assert cosigned is not None
        assert {each.party for each in policy.judge(cosigned.note).parties} == {"carrier", "ombudsman"}
        assert witness_book.last_sizes(session) == {"carrier": 1, "ombudsman": 1}


def test_the_log_itself_names_whose_cosignatures_count(database_url: str) -> None:
    house = opened_house(database_url)
    for purposes, size in (({"working": policy_text("working")}, 2), ({"verdict": policy_text("all")}, 3)):
        for _ in range(2):
            with house.unit() as unit:
                name_witnesses(house, unit, purposes, registrar=key("registrar"))
            assert head(house)[0] == size, "the same again writes nothing"
        with house.read() as session:
            assert dict(read_policy(newest_policy(session)).policy.witnesses) == purposes
    assert findings(house) == []


def test_a_strangers_line_a_time_ahead_and_no_time_are_not_taken(house: House, tmp_path: Path) -> None:
    policy = parse_policy(policy_text("working"))
    folder = WitnessFolder(tmp_path / "w")
    with house.read() as session:
        asked = ask(session, 0)
    stranger = witness(folder).add_checkpoint(asked.body).body
    with raises(Rejected, "note"), house.unit() as unit:
        take(unit, asked, stranger, keys=policy.witnesses, policy=policy)
    hasty = Clock()
    hasty.at_ms += 3 * 3_600_000
    ahead = Witness(folder, name="carrier.example/w1", signer=key("carrier"), logs=[LOG], clock=hasty)
    answer = ahead.add_checkpoint(request(house, 1)).body
    with raises(Rejected, "cosignature"), house.unit() as unit:
        take(unit, asked, answer, keys=policy.witnesses, policy=policy)
    carrier = policy.witnesses["carrier"]
    signed = key("carrier").sign(ed25519_message(open_checkpoint(asked.note, VERIFIER), 0))
    timeless = NoteSignature(name=carrier.name, key_id=carrier.key_id, blob=bytes(8) + signed)
    with raises(Rejected, "cosignature"), house.unit() as unit:
        take(unit, asked, timeless.line(), keys=policy.witnesses, policy=policy)
    with house.read() as session:
        assert witness_book.newest(session) is None
    folder.close()
    assert isinstance(VERIFIER, Ed25519Verifier)


def test_no_time_of_an_answer_is_more_than_an_hour_ahead(house: House) -> None:
    policy = parse_policy(policy_text("working"))
    with house.read() as session:
        asked = ask(session, 0)

    def lines(*at_s: int) -> str:
        checkpoint, names = open_checkpoint(asked.note, VERIFIER), ("carrier", "ombudsman")
        told = zip(names, at_s, strict=False)
        return "".join(
            cosign(checkpoint, name=f"{name}.example/w1", signer=key(name), at_s=at).line() for name, at in told
        )

    for ahead in ((3_601,), (0, 3_601), (3_601, 0)):
        with raises(Rejected, "cosignature"), house.unit() as unit:
            now_s = unit.now_ms // 1000
            take(unit, asked, lines(*(now_s + each for each in ahead)), keys=policy.witnesses, policy=policy)
    with house.unit() as unit:
        take(unit, asked, lines(unit.now_ms // 1000 + 3_600), keys=policy.witnesses, policy=policy)
