"""What the log says of witnesses when a service starts: the files that it was given, and what registrars named."""

from pathlib import Path

import pytest

from api.compose import compose
from api.parts import Parts
from api.settings import read_settings
from custody.kernel.errors import Rejected
from custody.kernel.keys import new_signer
from custody.ledger.cosignature import new_mldsa_signer
from custody.ledger.note import SignatureKind, VerifierKey, text_key
from custody.ledger.policy import read_policy_map
from custody.ledger.statements import approve_policy
from custody.usecases.change_trust import draft, enact, in_force
from custody.usecases.open_log import REGISTRAR


def let_go(parts: Parts) -> None:
    parts.backends.close()
    parts.engine.dispose()


def test_a_start_without_a_file_for_a_purpose_leaves_what_registrars_named_for_it(tmp_path: Path) -> None:
    data, working = tmp_path / "data", tmp_path / "working.policy"
    parts = compose(read_settings(data=data))
    lines = f"log {text_key(parts.house.origin, parts.keyring.log.public).vkey()}\nquorum none\n"
    let_go(parts)
    working.write_text(lines)
    parts = compose(read_settings(data=data, witness_policy=working))
    with parts.house.unit() as unit:
        raw = draft(unit.session, witnesses={"working": lines, "verdict": lines})
        approval = approve_policy(
            read_policy_map(raw), registrar=REGISTRAR, signer=parts.keyring.registrar, sub="urn:x:approval", iat_s=1
        )
        index = enact(parts.house, unit, raw, [approval])
    let_go(parts)
    parts = compose(read_settings(data=data, witness_policy=working))
    with parts.house.read() as session:
        newest = in_force(session)[-1]
    let_go(parts)
    assert (newest.index, dict(newest.policy.witnesses)) == (index, {"working": lines, "verdict": lines})


def test_a_file_with_a_comment_in_an_old_character_set_is_a_policy(tmp_path: Path) -> None:
    data, working = tmp_path / "data", tmp_path / "working.policy"
    parts = compose(read_settings(data=data))
    rules = f"log {text_key(parts.house.origin, parts.keyring.log.public).vkey()}\nquorum none\n"
    let_go(parts)
    working.write_bytes("# Zürich\n".encode("latin-1") + rules.encode())
    parts = compose(read_settings(data=data, witness_policy=working, verdict_policy=working))
    with parts.house.read() as session:
        named = in_force(session)[-1].policy.witnesses
    let_go(parts)
    assert parts.witnesses is not None
    assert dict(named) == dict.fromkeys(("working", "verdict"), f"# Z\ufffdrich\n{rules}")


@pytest.mark.parametrize("purpose", ["witness_policy", "verdict_policy"])
@pytest.mark.parametrize("kind", [SignatureKind.ED25519_COSIGNATURE, SignatureKind.MLDSA44_COSIGNATURE])
def test_one_key_under_two_names_is_not_two_witnesses(tmp_path: Path, purpose: str, kind: SignatureKind) -> None:
    data, policy = tmp_path / "data", tmp_path / "doubled.policy"
    parts = compose(read_settings(data=data))
    log = text_key(parts.house.origin, parts.keyring.log.public).vkey()
    plain, pq = new_signer().public.x, new_mldsa_signer().public_raw
    raw = plain if kind is SignatureKind.ED25519_COSIGNATURE else pq
    vkeys = [VerifierKey(name=f"{name}.example", kind=kind, raw=raw).vkey() for name in ("carrier", "ombudsman")]
    lines = (
        f"log {log}\nwitness A {vkeys[0]} http://a\nwitness B {vkeys[1]} http://b\ngroup both all A B\nquorum both\n"
    )
    policy.write_text(lines)
    with parts.house.read() as session, pytest.raises(Rejected, match="line 3: the same public key"):
        draft(session, witnesses={"working": lines})
    let_go(parts)
    with pytest.raises(Rejected, match="line 3: the same public key"):
        compose(read_settings(data=data, **{purpose: policy}))


@pytest.mark.parametrize(
    ("line", "what"), [(b"group K\xf6ln any W\n", "no UTF-8"), (b"# one line\rquorum none\n", "control character")]
)
def test_a_file_that_the_log_could_not_tell_as_it_is_names_no_witnesses(tmp_path: Path, line: bytes, what: str) -> None:
    data, working = tmp_path / "data", tmp_path / "working.policy"
    parts = compose(read_settings(data=data))
    log = text_key(parts.house.origin, parts.keyring.log.public).vkey()
    let_go(parts)
    witness = text_key("w.example", new_signer().public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
    working.write_bytes(f"log {log}\nwitness W {witness}\n".encode() + line + b"quorum W\n")
    with pytest.raises(Rejected, match=what):
        compose(read_settings(data=data, witness_policy=working))
