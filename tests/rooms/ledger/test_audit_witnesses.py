"""An audit says who cosigned the head: by the auditor's own policy, which must be met, and by those of the log."""

from typing import Any

import pytest

from custody.ledger.audit import Audit
from custody.ledger.cosignature import cosign, cosign_mldsa, mldsa_key, new_mldsa_signer
from custody.ledger.note import NoteSignature, SignatureKind, add_signatures, text_key
from custody.ledger.replay import About, AuditFinding
from custody.ledger.witness_policy import parse_policy
from tests.rooms.ledger.small_world import LOG_VERIFIER, MemoryLog, chain, key_add, policy, policy_statement, signer

STATION, CARRIER, OMBUDSMAN = signer(60), signer(70), signer(71)
PQ_CARRIER = new_mldsa_signer(b"\x07" * 32)
NAMES = {"carrier": "carrier.example/w1", "ombudsman": "ombudsman.example/w1"}
KEYS = {
    "carrier": text_key(NAMES["carrier"], CARRIER.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey(),
    "carrier-pq": mldsa_key(NAMES["carrier"], PQ_CARRIER).vkey(),
    "ombudsman": text_key(NAMES["ombudsman"], OMBUDSMAN.public, kind=SignatureKind.ED25519_COSIGNATURE).vkey(),
}
AT_S = 1_790_000_000


def text(quorum: str, *groups: str) -> str:
    lines = [f"log {LOG_VERIFIER.key.vkey()}", *(f"witness {name} {vkey}" for name, vkey in KEYS.items())]
    return "\n".join([*lines, *groups, f"quorum {quorum}", ""])


ANY = text("working", "group working any carrier ombudsman")
ALL = text("verdict", "group verdict all carrier carrier-pq ombudsman")


def log_of(**trust: Any) -> MemoryLog:
    return MemoryLog().append([policy_statement(policy(**trust)), key_add(STATION), *chain(STATION, 3)])


def lines_of(log: MemoryLog) -> dict[str, NoteSignature]:
    head = log.head()
    return {
        "carrier": cosign(head, name=NAMES["carrier"], signer=CARRIER, at_s=AT_S),
        "carrier-pq": cosign_mldsa(head, name=NAMES["carrier"], signer=PQ_CARRIER, at_s=AT_S + 1),
        "ombudsman": cosign(head, name=NAMES["ombudsman"], signer=OMBUDSMAN, at_s=AT_S + 2),
    }


def audited(log: MemoryLog, note: bytes, witnesses: str | None) -> tuple[list[AuditFinding], Audit]:
    run = Audit(
        get_checkpoint=lambda: note,
        get_tile=log.get,
        log=LOG_VERIFIER,
        witnesses=None if witnesses is None else parse_policy(witnesses),
    )
    return list(run.run()), run


@pytest.mark.parametrize(
    ("who", "witnesses", "enough"),
    [
        ((), ANY, False),
        (("carrier",), ANY, True),
        (("ombudsman",), ANY, True),
        (("carrier", "ombudsman"), ALL, False),
        (("carrier", "carrier-pq", "ombudsman"), ALL, True),
    ],
)
def test_the_quorum_that_the_auditor_demands_must_have_cosigned(
    who: tuple[str, ...],
    witnesses: str,
    enough: bool,  # noqa: FBT001 - a parameter
) -> None:
    log = log_of()
    note = add_signatures(log.note(), [lines_of(log)[name] for name in who])
    found, run = audited(log, note, witnesses)
    assert [(row.about, row.code) for row in found] == ([] if enough else [(About.WITNESS, "quorum")])
    assert run.demanded is not None
    assert (run.sound, run.demanded.satisfied) == (enough, enough)
    assert {row.party for row in run.demanded.parties} == set(who)
    assert (run.keep() is None) is not enough


def test_a_forged_line_of_a_known_witness_makes_the_audit_unsound() -> None:
    log = log_of()
    line = lines_of(log)["carrier-pq"]
    for at in (0, 8, -1):
        blob = bytearray(line.blob)
        blob[at] ^= 1
        forged = NoteSignature(name=line.name, key_id=line.key_id, blob=bytes(blob))
        found, run = audited(log, add_signatures(log.note(), [forged]), ALL)
        assert [row.about for row in found] == [About.WITNESS]
        assert not run.sound


def test_the_witnesses_that_the_log_names_are_told_by_purpose_and_demanded_by_nobody() -> None:
    log = log_of(witnesses={"working": ANY, "verdict": ALL})
    note = add_signatures(log.note(), [lines_of(log)["carrier"]])
    found, run = audited(log, note, None)
    assert found == []
    assert {purpose: seen.satisfied for purpose, seen in run.named.items()} == {"working": True, "verdict": False}
    assert [row.party for row in run.named["verdict"].parties] == ["carrier"]


def test_no_purpose_of_the_log_takes_the_place_of_what_the_auditor_demands() -> None:
    log = log_of(witnesses={"given": ANY, "demanded": ANY})
    note = add_signatures(log.note(), [lines_of(log)["carrier"]])
    found, run = audited(log, note, ALL)
    assert [row.code for row in found] == ["quorum"]
    assert run.demanded is not None
    assert not run.demanded.satisfied
    assert {purpose: seen.satisfied for purpose, seen in run.named.items()} == {"given": True, "demanded": True}
    assert audited(log, note, None)[1].demanded is None


def test_a_witness_policy_of_the_log_for_another_log_is_a_matter_of_its_registry() -> None:
    log = log_of(witnesses={"working": "quorum none\n"})
    found, run = audited(log, log.note(), None)
    assert [(row.about, row.code) for row in found] == [(About.REGISTRY, "note")]
    assert run.sound
