from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel.errors import Rejected
from custody.ledger.checkpoint import Checkpoint, sign_checkpoint
from custody.ledger.cosignature import cosign, cosign_mldsa, mldsa_key, new_mldsa_signer
from custody.ledger.merkle import leaf_hash
from custody.ledger.note import Note, NoteSignature, SignatureKind, add_signatures, sign_text, text_key
from custody.ledger.witness_policy import Cosigned, parse_policy
from tests.rooms.ledger.small_world import LOG, LOG_VERIFIER, ORIGIN, STRANGER, refused, signer

HEAD = Checkpoint(origin=ORIGIN, size=7, root=leaf_hash(b"x"))
NOTE = sign_checkpoint(HEAD, LOG)
NAMES = ("carrier", "ombudsman", "x1", "x2", "x3")
KEYS = {name: signer(number) for number, name in enumerate(NAMES, start=30)}
W = SignatureKind.ED25519_COSIGNATURE
FRESH = signer(40).public
FRESH_WITNESS = text_key("f.example", FRESH, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
LOG_LINE = f"log {LOG_VERIFIER.key.vkey()} https://log.weaklink.example/\n"


def vkey(name: str) -> str:
    return text_key(f"{name}.example", KEYS[name].public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()


def cosigned(*names: str, at_s: int = 5) -> bytes:
    lines = [cosign(HEAD, name=f"{name}.example", signer=KEYS[name], at_s=at_s) for name in names]
    return add_signatures(NOTE, lines)


WITNESSES = "".join(f"witness {name} {vkey(name)}\n" for name in NAMES)
BASE = f"# who watches\n\n{LOG_LINE}{WITNESSES}"
NESTED = f"{BASE}group xs 2 x1 x2 x3\n\tgroup\tboth  all carrier xs \nquorum both\n"


@pytest.mark.parametrize("count", range(6))
def test_a_nested_quorum_is_reached_by_exactly_the_sets_that_fulfil_it(count: int) -> None:
    policy = parse_policy(NESTED)
    for names in combinations(NAMES, count):
        witnessed = policy.judge(cosigned(*names))
        assert {row.party for row in witnessed.parties} == set(names)
        assert witnessed.satisfied == ("carrier" in names and len({"x1", "x2", "x3"} & set(names)) >= 2)


def test_groups_may_lie_in_each_other_as_deep_as_a_policy_has_lines() -> None:
    deeper = "".join(f"group g{number} any g{number - 1}\n" for number in range(1, 1010))
    policy = parse_policy(f"{BASE}group g0 any x1\n{deeper}quorum g1009\n")
    assert policy.judge(cosigned("x1")).satisfied
    assert not policy.judge(cosigned("x2", "carrier")).satisfied


@pytest.mark.parametrize(
    ("at_s", "told"),
    [
        (5, "1970-01-01T00:00:05.000Z"),
        (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        (253_402_300_800, "253402300800 s after 1970"),
        (2**62, f"{2**62} s after 1970"),
    ],
)
def test_a_time_that_no_calendar_has_is_told_in_seconds(at_s: int, told: str) -> None:
    policy = parse_policy(f"{BASE}quorum carrier\n")
    assert [row.at for row in policy.judge(cosigned("carrier", at_s=at_s)).parties] == [told]


def test_a_verdict_demands_the_quorum_and_names_who_cosigned() -> None:
    policy = parse_policy(f"{BASE}group verdict all carrier ombudsman\nquorum verdict\n")
    assert policy.judge(cosigned("carrier", "ombudsman")).demand() == HEAD
    error = refused(policy.judge(cosigned("carrier")).demand, code="quorum")
    assert "only carrier cosigned" in error.detail
    assert "only nobody cosigned" in refused(policy.judge(NOTE).demand, code="quorum").detail


@pytest.mark.parametrize(
    ("end", "enough"),
    [
        ("quorum none\n", ()),
        ("quorum carrier\n", ("carrier",)),
        ("group g any carrier x1\nquorum g\n", ("x1",)),
        ("group g 1 carrier x1\nquorum g\n", ("x1",)),
        ("group g all x1\nquorum g\n", ("x1",)),
    ],
)
def test_each_form_of_quorum(end: str, enough: tuple[str, ...]) -> None:
    policy = parse_policy(BASE + end)
    assert policy.judge(cosigned(*enough)).satisfied
    assert policy.judge(cosigned("ombudsman")).satisfied == (enough == ())


def test_a_witness_that_cosigned_twice_counts_once_with_its_earlier_time() -> None:
    policy = parse_policy(f"{BASE}group g 2 x1 x2\nquorum g\n")
    note = add_signatures(cosigned("x1", at_s=9), [cosign(HEAD, name="x1.example", signer=KEYS["x1"], at_s=4)])
    assert policy.judge(note).parties == (Cosigned(party="x1", at_s=4),)
    assert not policy.judge(note).satisfied


def test_a_witness_may_use_mldsa() -> None:
    key = new_mldsa_signer(b"\x09" * 32)
    policy = parse_policy(f"{LOG_LINE}witness pq {mldsa_key('pq.example', key).vkey()}\nquorum pq\n")
    note = add_signatures(NOTE, [cosign_mldsa(HEAD, name="pq.example", signer=key, at_s=8)])
    assert policy.judge(note).parties == (Cosigned(party="pq", at_s=8),)


def test_a_log_may_sign_with_mldsa() -> None:
    key = new_mldsa_signer(b"\x09" * 32)
    own = cosign_mldsa(HEAD, name=ORIGIN, signer=key, at_s=8)
    note = Note(text=HEAD.text(), signatures=(own,)).raw()
    policy = parse_policy(f"log {mldsa_key(ORIGIN, key).vkey()}\nquorum none\n")
    assert policy.judge(note).demand() == HEAD
    assert policy.judge(add_signatures(NOTE, [own])).satisfied
    refused(policy.judge, NOTE, code="note")
    forged = NoteSignature(name=own.name, key_id=own.key_id, blob=own.blob[:-1] + bytes([own.blob[-1] ^ 1]))
    refused(policy.judge, add_signatures(NOTE, [forged]), code="signature")


def test_a_log_may_be_a_witness_of_its_own_with_the_same_key() -> None:
    own = text_key("w.example/1", LOG.public, kind=W)
    policy = parse_policy(f"{LOG_LINE}witness own {own.vkey()}\nquorum own\n")
    assert not policy.judge(NOTE).satisfied
    assert policy.judge(add_signatures(NOTE, [cosign(HEAD, name="w.example/1", signer=LOG, at_s=5)])).satisfied
    key = mldsa_key(ORIGIN, new_mldsa_signer(b"\x09" * 32))
    line = cosign_mldsa(HEAD, name=ORIGIN, signer=new_mldsa_signer(b"\x09" * 32), at_s=8)
    both = parse_policy(f"log {key.vkey()}\nwitness own {key.vkey()}\nquorum own\n")
    assert both.judge(Note(text=HEAD.text(), signatures=(line,)).raw()).parties == (Cosigned(party="own", at_s=8),)


def test_strangers_count_for_nothing_and_forgeries_refuse_the_note() -> None:
    policy = parse_policy(NESTED)
    unknown = cosign(HEAD, name="x1.example", signer=STRANGER, at_s=5)
    assert policy.judge(add_signatures(NOTE, [unknown])).parties == ()
    real = cosign(HEAD, name="x1.example", signer=KEYS["x1"], at_s=5)
    forged = NoteSignature(name=real.name, key_id=real.key_id, blob=real.blob[:-1] + b"\0")
    refused(policy.judge, add_signatures(NOTE, [forged]), code="signature")


def test_only_a_log_of_the_policy_is_judged() -> None:
    policy = parse_policy(NESTED)
    other = sign_checkpoint(Checkpoint(origin="other.example", size=7, root=HEAD.root), STRANGER)
    refused(policy.judge, other, code="note")
    text = Checkpoint(origin="other.example", size=7, root=HEAD.root).text()
    borrowed = Note(text=text, signatures=(sign_text(text, name=ORIGIN, signer=LOG),)).raw()
    refused(policy.judge, borrowed, code="checkpoint")
    refused(parse_policy("quorum none\n").judge, NOTE, code="note")


def test_one_log_of_the_policy_cannot_sign_in_anothers_name() -> None:
    policy = parse_policy(f"{BASE}log {text_key('other.example', STRANGER.public).vkey()}\nquorum none\n")
    assert policy.judge(NOTE).checkpoint == HEAD
    text = Checkpoint(origin="other.example", size=7, root=HEAD.root).text()
    foreign = Note(text=text, signatures=(sign_text(text, name=ORIGIN, signer=LOG),)).raw()
    refused(policy.judge, foreign, code="checkpoint")
    both = add_signatures(foreign, [sign_text(text, name="other.example", signer=STRANGER)])
    assert policy.judge(both).checkpoint.origin == "other.example"


def test_a_witness_has_one_address_or_none() -> None:
    assert parse_policy(f"{BASE}quorum none\n").urls == {}
    line = f"witness w {FRESH_WITNESS} https://w.example/"
    assert parse_policy(f"{line}\nquorum none\n").urls == {"w": "https://w.example/"}
    refused(parse_policy, f"{line} https://v.example/\nquorum none\n", code="witness-policy")


def test_a_policy_has_at_most_1024_lines() -> None:
    assert parse_policy("\n" * 1023 + "quorum none\n").quorum == "none"
    refused(parse_policy, "\n" * 1024 + "quorum none\n", code="witness-policy")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("quorum none", "the policy: "),
        ("# nothing\n", "the policy: "),
        ("\n" * 1024 + "quorum none\n", "the policy: "),
        ("relay x1\nquorum none\n", "line 1: "),
        ("# nothing\n\nrelay x1\nquorum none\n", "line 3: "),
    ],
)
def test_a_refusal_names_the_line_or_the_whole_policy(text: str, where: str) -> None:
    assert refused(parse_policy, text, code="witness-policy").detail.startswith(where)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        f"{BASE}quorum none ",
        f"# a comment\r\n{BASE}quorum none\n",
        f"# a \x0b comment\n{BASE}quorum none\n",
        f"# a \x7f comment\n{BASE}quorum none\n",
        f"{BASE}group g any x1\ngroup g any x2\nquorum g\n",
        f"{BASE}group g any x1\nwitness g {FRESH_WITNESS}\nquorum g\n",
        f"{BASE}witness w {text_key('f.example', FRESH).vkey()}\nquorum none\n",
        f"{BASE}log {FRESH_WITNESS}\nquorum none\n",
        BASE,
        f"{BASE}quorum none\nquorum none\n",
        f"{BASE}quorum nobody\n",
        f"{BASE}quorum none extra\n",
        f"{BASE}quorum g\ngroup g any x1\n",
        f"{BASE}group g any x1 x9\nquorum g\n",
        f"{BASE}group g any\nquorum g\n",
        f"{BASE}group g 0 x1\nquorum g\n",
        f"{BASE}group g 2 x1\nquorum g\n",
        f"{BASE}group g 01 x1 x2\nquorum g\n",
        f"{BASE}group g most x1 x2\nquorum g\n",
        f"{BASE}group g any x1 x1\nquorum g\n",
        f"{BASE}group g any g\nquorum g\n",
        f"{BASE}group g any x1 none\nquorum g\n",
        f"{BASE}group g any x1\ngroup h any x1\nquorum h\n",
        f"{BASE}group x1 any x2\nquorum x1\n",
        f"{BASE}group none any x2\nquorum none\n",
        f"{BASE}witness x1 {vkey('x1')}\nquorum none\n",
        f"{BASE}witness again {vkey('x1')}\nquorum none\n",
        f"{BASE}{LOG_LINE}quorum none\n",
        f"{BASE}log {text_key('other.example', LOG.public).vkey()}\nquorum none\n",
        f"{BASE}witness again {text_key('other.example', KEYS['x1'].public, kind=W).vkey()}\nquorum none\n",
        f"{BASE}witness w {LOG_VERIFIER.key.vkey()}\nquorum none\n",
        f"{BASE}log {vkey('x1')}\nquorum none\n",
        f"{BASE}log\nquorum none\n",
        f"{BASE}relay x1\nquorum none\n",
        f"{BASE}quorum\u00a0none\n",
        f"{BASE}quorum none\r\n",
        f"{BASE}quorum none\x0b\n",
        f"{BASE}quorum none\x7f\n",
    ],
)
def test_policies_are_read_strictly(text: str) -> None:
    refused(parse_policy, text, code="witness-policy")


def test_thirty_two_of_each_are_taken() -> None:
    rows = []
    for number in range(32):
        log_key = text_key(f"l{number}.example", signer(100 + number).public)
        witness_key = text_key(
            f"w{number}.example", signer(200 + number).public, kind=SignatureKind.ED25519_COSIGNATURE
        )
        rows.append(f"log {log_key.vkey()}\nwitness w{number} {witness_key.vkey()}\ngroup g{number} any w{number}\n")
    policy = parse_policy("".join(rows) + "quorum g31\n")
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)


@given(st.lists(st.sampled_from(["log", "witness", "group", "quorum", "x1", "any", "1", "none", "\n", " ", "#"])))
def test_no_text_makes_the_policy_parser_raise_anything_but_rejected(words: list[str]) -> None:
    try:
        policy = parse_policy(" ".join(words) + "\n")
    except Rejected:
        return
    assert policy.quorum == "none"
