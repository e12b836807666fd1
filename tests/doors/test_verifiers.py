"""Verifiers by command line and over HTTP: who vouches for them, what they post, and with which words it is refused."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.instance import Instance
from custody.kernel.base64url import b64
from custody.kernel.clock import to_iso
from custody.kernel.keys import SoftwareSigner, new_signer, read_private_pem
from custody.kernel.system_clock import SystemClock
from custody.ledger.attestation import AttestedOutcome, make_attestation
from tests.doors.command_line import CommandLine, signed_in

FIRM = ("--custodian", "urn:example:pins")


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend a supervisor's shell in a folder of its own."""
    return signed_in(instance, "supervisor-1", tmp_path)


def ask(shell: CommandLine, name: str, *firm: str) -> None:
    shell.run("verifier", "keygen", f"{name}.pem")
    shell.run("verifier", "request", name, "--key", f"{name}.pem", *(firm or FIRM), "--out", f"{name}.request")


def rows(shell: CommandLine, name: str) -> list[dict[str, Any]]:
    return [row for row in shell.json("verifier", "list")["verifiers"] if row["verifier"] == name]


def test_a_supervisor_vouches_for_a_verifier_once(shell: CommandLine) -> None:
    ask(shell, "pins-1")
    first = shell.json("verifier", "enrol", "pins-1.request")
    assert first["iss"] == "urn:weaklink:verifier:pins-1"
    assert shell.json("verifier", "enrol", "pins-1.request") == first
    (row,) = rows(shell, "pins-1")
    assert (row["custodian"], row["added"], row["revoked"]) == ("urn:example:pins", first["index"], None)
    assert "pins-1" in shell.run("verifier", "list").out


def test_nobody_else_does(instance: Instance, shell: CommandLine) -> None:
    ask(shell, "pins-2")
    agent = signed_in(instance, "agent-1", shell.folder)
    agent.run("verifier", "enrol", "pins-2.request", expect=1)
    CommandLine(address=instance.address, folder=shell.folder).run("verifier", "enrol", "pins-2.request", expect=1)
    agent.run("verifier", "revoke", "pins-2", "--reason", "to see", expect=1)
    assert rows(shell, "pins-2") == []


def test_a_registrar_does_so_by_the_own_key_and_ends_it(instance: Instance, shell: CommandLine) -> None:
    ask(shell, "pins-3")
    own = ("--name", "registrar-1", "--key", str(instance.data / "keys" / "registrar.pem"))
    outside = CommandLine(address=instance.address, folder=shell.folder)
    assert "--name and --key" in shell.run("verifier", "enrol", "pins-3.request", *own[:2], expect=1).err
    enrolled = outside.json("verifier", "enrol", "pins-3.request", *own)
    assert enrolled["entry"].startswith(instance.address)
    ended = ("verifier", "revoke", "pins-3", "--reason", "key copied", "--kid", enrolled["kid"])
    for half in (own[:2], own[2:], ()):
        assert "--name, --key and --kid" in shell.run(*ended, *half, expect=1).err, "nobody else signs in its place"
    outside.run(*ended, *own)
    (row,) = rows(shell, "pins-3")
    assert row["revoked"] == row["suspect_from"] > row["added"]
    late = outside.run("verifier", "attest", "pins-3", "--key", "pins-3.pem", "--scan", "07" * 32, *PIN, expect=1)
    assert "was revoked at entry" in late.err
    assert shell.json("log", "audit")["ok"]


PIN = ("--check", "pin6", "--held")


@pytest.mark.parametrize("by_registrar", [False, True])
def test_doubt_of_a_copied_key_begins_at_the_hour_that_is_named(
    instance: Instance, shell: CommandLine, *, by_registrar: bool
) -> None:
    """Whoever finds out knows the hour, and no index of the log."""
    name = f"pins-since-{by_registrar}".lower()
    ask(shell, name)
    kid = shell.json("verifier", "enrol", f"{name}.request")["kid"]
    size, hour = shell.json("log", "head")["size"], to_iso(SystemClock().now_ms())
    ask(shell, f"later-{name}")
    shell.run("verifier", "enrol", f"later-{name}.request")
    own = ("--name", "registrar-1", "--key", str(instance.data / "keys" / "registrar.pem"), "--kid", kid)
    ended = ("verifier", "revoke", name, "--reason", "key copied", *(own if by_registrar else ()))
    refused = shell.run(*ended, "--suspect-since", hour, "--suspect-from", "1", expect=1)
    assert "doubt begins at an index or at a moment, not at both" in refused.err
    assert "in the future" in shell.run(*ended, "--suspect-since", "2999-01-01T00:00:00Z", expect=1).err
    shell.run(*ended, "--suspect-since", hour)
    (row,) = rows(shell, name)
    assert row["suspect_from"] == size
    assert shell.json("log", "audit")["ok"]


def test_a_word_of_a_scan_that_nobody_has_yet_is_kept_for_it(instance: Instance, shell: CommandLine) -> None:
    ask(shell, "pins-4")
    shell.run("verifier", "enrol", "pins-4.request")
    outside = CommandLine(address=instance.address, folder=shell.folder)
    said = outside.json("verifier", "attest", "pins-4", "--key", "pins-4.pem", "--scan", "09" * 32, *PIN)
    assert said["scan"] == "awaited"
    at = ("--at", "2026-05-11T08:12:30Z")
    outside.run("verifier", "attest", "pins-4", "--key", "pins-4.pem", "--scan", "09" * 32, *PIN, *at)
    wrong = outside.run("verifier", "attest", "pins-4", "--key", "pins-4.pem", "--scan", "xyz", *PIN, expect=1)
    assert "'xyz' is no digest" in wrong.err
    short = outside.run("verifier", "attest", "pins-4", "--key", "pins-4.pem", "--scan", "0909", *PIN, expect=1)
    assert "32 bytes" in short.err
    shell.run("verifier", "revoke", "pins-4", "--reason", "closed")
    again = shell.run("verifier", "revoke", "pins-4", "--reason", "closed", expect=1)
    assert "no key in use" in again.err


def test_a_request_that_is_none_is_told_with_its_name(shell: CommandLine) -> None:
    (shell.folder / "odd.request").write_bytes(b"\xa0")
    assert "odd.request" in shell.run("verifier", "enrol", "odd.request", expect=1).err
    shell.run("verifier", "keygen", "odd.pem")
    words = ("verifier", "request", "odd", "--key", "odd.pem", "--out", "odder.request", "--custodian", "a firm")
    assert "is no firm's key" in shell.run(*words, expect=1).err


def said_by(signer: SoftwareSigner, name: str) -> tuple[bytes, bytes]:
    return make_attestation(
        name,
        scan=bytes(32),
        check="pin6",
        outcome=AttestedOutcome.HELD,
        at_ms=0,
        salt=bytes(32),
        signer=signer,
        sub="urn:uuid:0",
        iat_s=1,
    )


def test_the_door_says_what_was_wrong_and_answers_the_same_statement_again(
    instance: Instance, shell: CommandLine
) -> None:
    http = httpx.Client(base_url=instance.address, timeout=60)
    statement, opening = said_by(new_signer(), "nobody")
    refused = http.post("/v1/attestations", json={"statement": b64(statement), "opening": b64(opening)})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "verifier_key")
    assert refused.json()["fix"]
    torn = http.post("/v1/attestations", json={"statement": b64(statement), "opening": b64(b"other")})
    assert torn.json()["type"].rpartition(":")[2] == "opening"
    odd = http.post("/v1/attestations", json={"statement": b64(b"\xa0"), "opening": b64(opening)})
    assert odd.status_code == 422
    assert http.get("/v1/verifiers").status_code == 401
    ask(shell, "pins-5")
    shell.run("verifier", "enrol", "pins-5.request")
    statement, opening = said_by(read_private_pem((shell.folder / "pins-5.pem").read_text()), "pins-5")
    answers = [
        http.post("/v1/attestations", json={"statement": b64(statement), "opening": b64(opening)}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    http.close()
