from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cose
from custody.kernel.errors import Fatal, NotFound
from custody.kernel.key_standing import KeyStanding
from custody.ledger.policy import Policy
from custody.ledger.registry import Registry, fold
from custody.ledger.statements import approve_policy
from tests.rooms.ledger.small_world import (
    LOG,
    OPERATOR,
    REGISTRAR_A,
    REGISTRAR_B,
    REGISTRAR_C,
    STRANGER,
    SUB,
    chain,
    info,
    key_add,
    key_revoke,
    policy,
    policy_statement,
    registrar,
    resigned,
    scan,
    signer,
)

GENESIS = policy_statement()
STATION, OTHER = signer(60), signer(61)


def replay(*entries: bytes) -> Registry:
    registry = Registry()
    for index, entry in enumerate(entries):
        registry = fold(registry, index, entry)
    return registry


def ignored(registry: Registry) -> list[tuple[int, str]]:
    return [(row.index, row.code) for row in registry.ignored]


def next_policy(before: bytes, **changes: Any) -> Policy:
    return policy(version=2, previous=cose.parse(before).digest, **changes)


def approvals(body: Policy, *signers: tuple[str, Any]) -> list[bytes]:
    return [approve_policy(body, registrar=name, signer=key, sub=SUB, iat_s=9) for name, key in signers]


A, B, C = ("carrier", REGISTRAR_A), ("ombudsman", REGISTRAR_B), ("shop", REGISTRAR_C)


def test_entry_0_is_the_policy_and_sets_the_registrars() -> None:
    registry = replay(GENESIS)
    assert registry.policy_at(1).policy == policy()
    assert registry.policy_at(1).digest == cose.parse(GENESIS).digest
    with pytest.raises(NotFound):
        registry.policy_at(0)
    assert registry.ignored == ()


@pytest.mark.parametrize(
    "entry",
    [
        chain(STATION, 1)[0],
        key_add(STATION),
        b"nonsense",
        policy_statement(by=STRANGER),
        policy_statement(policy(version=2, previous=b"p" * 32)),
    ],
)
def test_a_log_that_does_not_start_with_a_policy_gives_nobody_authority(entry: bytes) -> None:
    registry = replay(entry, key_add(STATION), GENESIS)
    assert [index for index, _ in ignored(registry)] == [0, 1, 2]
    assert registry.policies == ()
    assert registry.standing(STATION.public.kid, 9) == KeyStanding.UNKNOWN


def test_validity_goes_by_log_index() -> None:
    registry = replay(GENESIS, b"", b"", key_add(STATION), b"", b"", b"", key_revoke(STATION, suspect_from=5), b"")
    kid = STATION.public.kid
    assert [str(registry.standing(kid, index)) for index in range(10)] == [
        "unknown",
        "unknown",
        "unknown",
        "unknown",
        "valid",
        "suspect",
        "suspect",
        "revoked",
        "revoked",
        "revoked",
    ]
    row = registry.station_key(kid)
    assert (row.info, row.key, row.added_at, row.revoked_at) == (info(), STATION.public, 3, 7)
    assert (row.suspect_from, row.reason) == (5, "handheld stolen")


def test_before_a_revocation_is_known_the_key_is_valid() -> None:
    registry = replay(GENESIS, key_add(STATION))
    assert registry.standing(STATION.public.kid, 2) == registry.standing(STATION.public.kid, 2**40) == KeyStanding.VALID
    assert registry.standing(OTHER.public.kid, 2) == KeyStanding.UNKNOWN
    with pytest.raises(NotFound):
        registry.station_key(OTHER.public.kid)


def test_a_key_added_after_it_is_said_to_be_suspect_is_never_valid() -> None:
    registry = replay(GENESIS, b"", key_add(STATION), b"", key_revoke(STATION, suspect_from=0))
    assert registry.standing(STATION.public.kid, 2) == KeyStanding.UNKNOWN
    assert registry.standing(STATION.public.kid, 3) == KeyStanding.SUSPECT


def test_a_station_changes_keys_and_keeps_its_name() -> None:
    registry = replay(GENESIS, key_add(STATION), key_add(OTHER), key_revoke(STATION, suspect_from=3))
    assert {(row.info.station, row.key) for row in registry.keys.values()} == {
        ("bench-07", STATION.public),
        ("bench-07", OTHER.public),
    }
    assert registry.standing(OTHER.public.kid, 4) == KeyStanding.VALID


def test_a_revoked_key_never_returns_and_no_key_serves_twice() -> None:
    registry = replay(
        GENESIS,
        key_add(STATION),
        key_add(STATION, station="bench-08"),
        key_revoke(STATION, suspect_from=2),
        key_add(STATION),
    )
    assert ignored(registry) == [(2, "not-allowed"), (4, "not-allowed")]
    assert registry.station_key(STATION.public.kid).info.station == "bench-07"
    assert registry.standing(STATION.public.kid, 9) == KeyStanding.REVOKED


@pytest.mark.parametrize("key", [LOG, OPERATOR, REGISTRAR_C], ids=["log", "operator", "registrar"])
def test_a_key_with_another_role_is_no_stations_key(key: Any) -> None:
    assert ignored(replay(GENESIS, key_add(key))) == [(1, "not-allowed")]


def test_later_knowledge_moves_the_beginning_of_doubt_back_only() -> None:
    entries = [GENESIS, key_add(STATION), b"", b"", b"", key_revoke(STATION, suspect_from=4)]
    earlier = replay(*entries, key_revoke(STATION, suspect_from=2))
    row = earlier.station_key(STATION.public.kid)
    assert (row.revoked_at, row.suspect_from) == (5, 2)
    later = replay(*entries, key_revoke(STATION, suspect_from=5))
    assert later.station_key(STATION.public.kid).suspect_from == 4
    again = replay(*entries, key_revoke(STATION, suspect_from=4))
    assert ignored(again)[-1] == (6, "not-allowed")
    assert (6, "not-allowed") in ignored(later)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (key_add(STATION, by=STRANGER), "registrar"),
        (key_add(STATION, by=OPERATOR), "registrar"),
        (key_add(STATION, by=REGISTRAR_B, name="carrier"), "not-allowed"),
        (key_add(STATION, origin="other.example"), "not-allowed"),
        (key_revoke(STATION, suspect_from=1), "key"),
        (resigned(key_add(STATION), REGISTRAR_A, step="cellar"), "statement"),
    ],
)
def test_enrolments_that_nobody_was_allowed_to_make_change_nothing(entry: bytes, code: str) -> None:
    registry = replay(GENESIS, entry)
    assert ignored(registry) == [(1, code)]
    assert registry.keys == {}
    assert registry.ignored[0].detail


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (key_revoke(STATION, suspect_from=3), "not-allowed"),
        (key_revoke(STATION, suspect_from=1, station="bench-08"), "not-allowed"),
        (key_revoke(STATION, suspect_from=1, by=STRANGER), "registrar"),
        (key_revoke(OTHER, suspect_from=1), "key"),
    ],
)
def test_revocations_that_do_not_fit_change_nothing(entry: bytes, code: str) -> None:
    registry = replay(GENESIS, key_add(STATION), entry)
    assert ignored(registry) == [(2, code)]
    assert registry.standing(STATION.public.kid, 9) == KeyStanding.VALID


def test_a_signature_by_another_key_under_a_registrars_kid_changes_nothing() -> None:
    message = cose.parse(key_add(STATION))
    forged = cose.sign({**message.protected, 4: REGISTRAR_A.public.kid}, message.payload or b"", STRANGER)
    assert ignored(replay(GENESIS, forged)) == [(1, "signature")]


def test_the_operator_alone_changes_rules() -> None:
    body = next_policy(GENESIS, rules={"lock": {"hours": 24}})
    registry = replay(GENESIS, b"", policy_statement(body), b"")
    assert [registry.policy_at(index).policy.rules["lock"]["hours"] for index in (1, 2, 3)] == [72, 72, 24]
    assert registry.policy_at(9).index == 2


TRUST = [
    {"registrars": (registrar("carrier", REGISTRAR_A),), "threshold": 1},
    {"registrars": (*policy().registrars, registrar("extra", STRANGER))},
    {"threshold": 1},
    {"operator_key": STRANGER.public},
    {"witnesses": {"verdict": "quorum none\n"}},
]


@pytest.mark.parametrize("changes", TRUST)
@pytest.mark.parametrize(
    ("signers", "enough"),
    [((), False), ((A,), False), ((A, A), False), ((A, B), True), ((C, B), True), ((A, B, C), True)],
)
def test_trust_changes_only_by_m_of_n_registrars(
    changes: dict[str, Any],
    signers: Sequence[tuple[str, Any]],
    enough: bool,  # noqa: FBT001 - a parameter
) -> None:
    body = next_policy(GENESIS, **changes)
    registry = replay(GENESIS, policy_statement(body, approvals=approvals(body, *signers)))
    assert (registry.policy_at(2).policy == body) is enough
    assert ignored(registry) == ([] if enough else [(1, "not-allowed")])


def test_new_registrars_act_from_the_next_entry_and_old_ones_no_longer() -> None:
    body = next_policy(GENESIS, registrars=(registrar("new", STRANGER),), threshold=1)
    change = policy_statement(body, approvals=approvals(body, A, B))
    registry = replay(GENESIS, change, key_add(STATION), key_add(STATION, by=STRANGER, name="new"))
    assert ignored(registry) == [(2, "registrar")]
    assert registry.station_key(STATION.public.kid).added_at == 3


def test_a_new_operator_signs_after_the_change_and_the_old_one_no_longer() -> None:
    body = next_policy(GENESIS, operator_key=STRANGER.public)
    change = policy_statement(body, approvals=approvals(body, A, C))
    third = policy(version=3, previous=cose.parse(change).digest, operator_key=STRANGER.public, rules={})
    assert ignored(replay(GENESIS, change, policy_statement(third, by=OPERATOR))) == [(2, "signature")]
    assert ignored(replay(GENESIS, change, policy_statement(third, by=STRANGER))) == []


@pytest.mark.parametrize("changes", [{"log_key": STRANGER.public}, {"origin": "other.example"}])
def test_origin_and_log_key_never_change(changes: dict[str, Any]) -> None:
    body = next_policy(GENESIS, **changes)
    registry = replay(GENESIS, policy_statement(body, approvals=approvals(body, A, B, C)))
    assert ignored(registry) == [(1, "not-allowed")]


def test_a_policy_follows_the_one_in_force() -> None:
    digest = cose.parse(GENESIS).digest
    for body in (
        policy(),
        policy(version=3, previous=digest),
        policy(version=2, previous=b"p" * 32),
    ):
        assert ignored(replay(GENESIS, policy_statement(body))) == [(1, "not-allowed")]
    second = policy_statement(next_policy(GENESIS, rules={}))
    assert ignored(replay(GENESIS, second, second)) == [(2, "not-allowed")]


def test_approvals_fit_one_change_only_and_must_all_verify() -> None:
    body, other = next_policy(GENESIS, threshold=1), next_policy(GENESIS, threshold=3)
    borrowed = policy_statement(body, approvals=approvals(other, A, B))
    assert ignored(replay(GENESIS, borrowed)) == [(1, "signature")]
    stranger = policy_statement(body, approvals=approvals(body, A, B, ("shop", STRANGER)))
    assert ignored(replay(GENESIS, stranger)) == [(1, "registrar")]
    renamed = policy_statement(body, approvals=approvals(body, A, ("shop", REGISTRAR_B)))
    assert ignored(replay(GENESIS, renamed)) == [(1, "not-allowed")]


def test_statements_of_other_kinds_do_not_concern_the_registry() -> None:
    registry = replay(GENESIS, *chain(STATION, 3))
    assert (registry.ignored, registry.next_index) == ((), 4)


def test_entries_may_be_left_out_but_not_taken_out_of_order() -> None:
    registry = fold(fold(Registry(), 0, GENESIS), 7, key_add(STATION))
    assert registry.station_key(STATION.public.kid).added_at == 7
    for index in (7, 3):
        with pytest.raises(Fatal):
            fold(registry, index, key_add(OTHER))


def test_folding_leaves_the_older_registry_as_it_was() -> None:
    before = replay(GENESIS)
    fold(before, 1, key_add(STATION))
    assert before == replay(GENESIS)


@given(st.lists(st.sampled_from(["add", "add2", "revoke", "revoke2", "policy", "scan", "junk"]), max_size=12))
def test_any_history_replays_the_same_and_a_dead_key_stays_dead(acts: list[str]) -> None:
    made = {
        "add": key_add(STATION),
        "add2": key_add(OTHER, station="bench-08"),
        "revoke": key_revoke(STATION, suspect_from=1),
        "revoke2": key_revoke(OTHER, suspect_from=0, station="bench-08"),
        "policy": policy_statement(next_policy(GENESIS, rules={})),
        "scan": scan(STATION, 1, None),
        "junk": b"junk",
    }
    entries = [GENESIS, *(made[act] for act in acts)]
    registry = replay(*entries)
    assert registry == replay(*entries)
    for kid in (STATION.public.kid, OTHER.public.kid):
        life = [registry.standing(kid, index) for index in range(len(entries) + 2)]
        order = [KeyStanding.UNKNOWN, KeyStanding.VALID, KeyStanding.SUSPECT, KeyStanding.REVOKED]
        assert [order.index(standing) for standing in life] == sorted(order.index(standing) for standing in life)
