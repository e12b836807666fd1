"""Changing registrars, threshold and witnesses: by m of n of those in force, and as every auditor will replay it."""

from collections.abc import Sequence

from custody.kernel import cbor
from custody.kernel.errors import Conflict, NotFound, Rejected
from custody.kernel.keys import SoftwareSigner
from custody.ledger.policy import Registrar, read_policy_map
from custody.ledger.statements import (
    SigningRegistrar,
    approve_policy,
    make_key_add,
    make_key_revoke,
    make_possession,
    read_policy,
)
from custody.scans.edition import NEWEST, RULE
from custody.scans.tolerances import Tolerances
from custody.store import log_reader
from custody.store.policy_book import newest_policy
from custody.store.tables import StationKeyRow, StationRow
from custody.store.unit import House
from custody.usecases.change_trust import changes, draft, enact, in_force
from custody.usecases.enrol_station import announce, enrol, revoke, station_info
from custody.usecases.open_log import REGISTRAR, change_rules, name_witnesses
from custody.usecases.register_statement import register
from tests.contracts_log.small_house import (
    CUSTODIAN,
    SITE,
    VERIFIER,
    Bench,
    enrol_bench,
    findings,
    opened_house,
    raises,
    send,
    size_of,
)
from tests.world_parts import ORIGIN, key

SUB = "urn:uuid:6f1f6f0e-0000-4000-8000-000000000001"
THREE = tuple(Registrar(name=name, key=key(name).public) for name in ("carrier", "ombudsman", "shop"))


def drafted(house: House, registrars: Sequence[Registrar] | None = None, threshold: int | None = None) -> bytes:
    with house.read() as session:
        return draft(session, registrars=registrars, threshold=threshold)


def approved(raw: bytes, name: str, signer: SoftwareSigner | None = None) -> bytes:
    policy = read_policy_map(raw)
    return approve_policy(policy, registrar=name, signer=signer or key(name), sub=SUB, iat_s=1)


def put(house: House, raw: bytes, *approvals: bytes) -> int:
    with house.unit() as unit:
        return enact(house, unit, raw, approvals)


def with_three(house: House) -> int:
    """Three registrars take over from the service's own, two of whom must approve the next change."""
    raw = drafted(house, THREE, 2)
    return put(house, raw, approved(raw, REGISTRAR, key("registrar")))


def test_the_registrar_in_force_hands_over_to_three_and_the_log_replays_it(database_url: str) -> None:
    house = opened_house(database_url)
    index = with_three(house)
    with house.read() as session:
        first, second = in_force(session)
    assert (first.index, second.index, second.policy.threshold) == (0, index, 2)
    assert [row.name for row in second.policy.registrars] == ["carrier", "ombudsman", "shop"]
    assert findings(house) == []
    assert [line.split(",")[0] for line in changes(first.policy, second.policy)] == [
        "registrar carrier comes",
        "registrar ombudsman comes",
        "registrar shop comes",
        "registrar registrar-1 goes",
        "2 of 3 registrars must approve the next change",
    ]


def test_a_change_of_trust_needs_the_approvals_of_m_of_n(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with_three(house)
    raw = drafted(house, THREE[:2])
    before = size_of(house)
    for names in ((), ("carrier",), ("carrier", "carrier")):
        with raises(Rejected, "not-allowed"):
            put(house, raw, *(approved(raw, name) for name in names))
    with raises(Rejected, "registrar"):
        put(house, raw, approved(raw, "carrier"), approved(raw, "stranger"))
    with raises(Rejected, "signature"):
        put(house, raw, approved(raw, "carrier"), approved(drafted(house, THREE[1:]), "shop"))
    assert size_of(house) == before
    index = put(house, raw, approved(raw, "shop"), approved(raw, "carrier"))
    assert index == before
    assert findings(house) == []


def test_an_overtaken_draft_is_refused(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    raw = drafted(house, THREE, 2)
    with house.unit() as unit:
        change_rules(house, unit, {"limit": 3})
    with raises(Rejected, "policy"):
        put(house, raw, approved(raw, REGISTRAR, key("registrar")))
    again = drafted(house, THREE, 2)
    assert read_policy_map(again).rules == {RULE: NEWEST, "limit": 3}
    put(house, again, approved(again, REGISTRAR, key("registrar")))
    with raises(Rejected, "not-allowed"):
        put(house, again, approved(again, "carrier"), approved(again, "shop"))
    assert findings(house) == []


def test_a_draft_that_changes_nothing_or_makes_no_sense_is_refused(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with raises(Rejected, "policy"):
        drafted(house)
    with raises(Rejected, "policy"):
        drafted(house, THREE, 4)
    with raises(Rejected, "policy"):
        drafted(house, [*THREE, THREE[0]], 2)


def test_after_the_hand_over_the_services_own_key_enrols_and_ends_nobody(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    bench = enrol_bench(house)
    with_three(house)
    before = size_of(house)
    with raises(Rejected, "registrar"):
        enrol_bench(house, "bench-08")
    with raises(Rejected, "registrar"), house.unit() as unit:
        revoke(unit, station=bench.name, reason="lost", suspect_from=None, registrar=key("registrar"))
    with raises(Rejected, "registrar"), house.unit() as unit:
        name_witnesses(house, unit, {"working": "quorum none\n"}, registrar=key("registrar"))
    assert size_of(house) == before
    assert [ack.verdict.result for ack in send(house, bench.sign(house))] != ["quarantined"]


def test_one_of_three_alone_cannot_name_witnesses(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    with_three(house)
    working = f"log {VERIFIER.key.vkey()}\nquorum none\n"
    with raises(Rejected, "not-allowed"), house.unit() as unit:
        name_witnesses(house, unit, {"working": working}, registrar=key("shop"))
    with house.read() as session, raises(Rejected, "witness-policy"):
        draft(session, witnesses={"working": "quorum none\n"})
    with house.read() as session:
        raw = draft(session, witnesses={"working": working})
    put(house, raw, approved(raw, "shop"), approved(raw, "ombudsman"))
    with house.read() as session:
        assert dict(read_policy(newest_policy(session)).policy.witnesses) == {"working": working}
    assert findings(house) == []


def test_a_registrar_outside_enrols_an_announced_station_and_ends_it(database_url: str) -> None:
    house = opened_house(database_url)
    with_three(house)
    bench = Bench(name="bench-09", signer=key("station bench-09"))
    with house.unit() as unit:
        announce(unit, station=bench.name, site=SITE, place="Bench", step="pack", custodian=CUSTODIAN)
    with house.read() as session:
        row = session.get(StationRow, bench.name)
        assert row is not None
        info = station_info(row)
    possession = make_possession(origin=ORIGIN, station=bench.name, signer=bench.signer, sub=SUB, iat_s=1)
    statement = make_key_add(
        info,
        origin=ORIGIN,
        key=bench.signer.public,
        possession=possession,
        by=SigningRegistrar(name="ombudsman", signer=key("ombudsman"), sub=SUB, iat_s=2),
    )
    register(house, statement, Tolerances())
    (ack,) = send(house, bench.sign(house))
    assert ack.index is not None
    end = make_key_revoke(
        origin=ORIGIN,
        station=bench.name,
        kid=bench.signer.public.kid,
        suspect_from=ack.index,
        reason="stolen",
        by=SigningRegistrar(name="carrier", signer=key("carrier"), sub=SUB, iat_s=3),
    )
    register(house, end, Tolerances())
    assert [row.code for row in findings(house)] == ["suspect-key"]


def test_later_knowledge_moves_the_beginning_of_doubt_back_and_never_forward(database_url: str) -> None:
    house = opened_house(database_url)
    bench = enrol_bench(house)
    acks = send(house, *(bench.sign(house) for _ in range(4)))
    first = acks[0].index
    assert first is not None
    with house.unit() as unit:
        (end,) = revoke(unit, station=bench.name, reason="lost", suspect_from=first + 3, registrar=key("registrar"))
    with house.unit() as unit:
        (again,) = revoke(unit, station=bench.name, reason="lost", suspect_from=first + 1, registrar=key("registrar"))
    for later in (None, first + 1, first + 2):
        with raises(NotFound, "station"), house.unit() as unit:
            revoke(unit, station=bench.name, reason="lost", suspect_from=later, registrar=key("registrar"))
    assert again == end + 1
    with house.read() as session:
        row = session.get(StationKeyRow, bench.signer.public.kid)
        assert row is not None
        assert (row.revoked_idx, row.suspect_from_idx) == (end, first + 1)
    assert [found.index for found in findings(house)] == [first + 1, first + 2, first + 3]


def test_a_key_with_another_role_is_enrolled_as_no_stations(sqlite_url: str) -> None:
    house = opened_house(sqlite_url)
    for name in ("log", "operator", "registrar"):
        with house.unit() as unit:
            told = announce(unit, station=f"as-{name}", site=SITE, place="Bench", step="pack", custodian=CUSTODIAN)
        proof = make_possession(origin=ORIGIN, station=f"as-{name}", signer=key(name), sub=SUB, iat_s=1)
        cose_key = cbor.encode(key(name).public.cose_key())
        with raises(Conflict, "key_in_use"), house.unit() as unit:
            enrol(unit, token=told.token, cose_key=cose_key, possession=proof, registrar=key("registrar"))
    assert findings(house) == []


def test_what_a_registrar_signed_who_has_gone_since_is_known_under_his_signature_and_under_no_other(
    sqlite_url: str,
) -> None:
    house = opened_house(sqlite_url)
    enrol_bench(house)
    with house.read() as session:
        enrolment = log_reader.entry(session, size_of(house) - 1).raw
    with_three(house)
    before = size_of(house)
    with raises(Rejected, "signature"):
        register(house, enrolment[:-1] + bytes([enrolment[-1] ^ 1]), Tolerances())
    assert not register(house, enrolment, Tolerances()).fresh
    assert size_of(house) == before
