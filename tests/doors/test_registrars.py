"""Registrars by command line: a hand-over by m of n; stations enrolled and ended by keys the service never sees."""

from pathlib import Path

import pytest

from api.cli.instance import Instance
from tests.doors.command_line import CommandLine, signed_in

SITE = ("--site", "https://id.gs1.org/414/9521473000102", "--custodian", "https://id.gs1.org/417/9521473000010")


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend a supervisor's shell in a folder of its own."""
    return signed_in(instance, "supervisor-1", tmp_path)


def approve(shell: CommandLine, name: str, pem: str, file: str = "change.policy") -> str:
    """One registrar's approval; offline, so that the address of the service does not matter."""
    offline = CommandLine(address="http://127.0.0.1:9", folder=shell.folder)
    told = offline.json("registrar", "approve", file, "--name", name, "--key", pem, "--out", f"{name}-{file}.approval")
    return str(told["approval"])


@pytest.mark.slow
def test_trust_changes_hands_by_the_approvals_of_registrars_alone(
    instance: Instance, shell: CommandLine, tmp_path: Path
) -> None:
    own = instance.data / "keys" / "registrar.pem"
    before = shell.json("registrar", "show")
    assert [row["name"] for row in before["registrars"]] == ["registrar-1"]
    keys = {name: shell.json("registrar", "keygen", f"{name}.pem")["cose_key"] for name in ("carrier", "ombudsman")}
    added = [word for name, key in keys.items() for word in ("--add", f"{name}={key}")]
    drafted = shell.json("registrar", "draft", *added, "--threshold", "2", "--out", "change.policy")
    assert (drafted["approvals_needed"], drafted["by"]) == (1, ["registrar-1"])
    assert len(drafted["changes"]) == 3
    # 1. Not by anybody who is no registrar, and not by one who is not in force yet.
    stranger = approve(shell, "carrier", "carrier.pem")
    refused = shell.run("registrar", "enact", "change.policy", stranger, expect=1)
    assert "no registrar" in refused.err
    # 2. By the one in force; from then on two of three are needed.
    told = shell.json("registrar", "enact", "change.policy", approve(shell, "registrar-1", str(own)))
    assert (told["version"], told["threshold"], len(told["registrars"])) == (before["version"] + 1, 2, 3)
    again = shell.json("registrar", "draft", "--drop", "registrar-1", "--out", "second.policy")
    assert again["approvals_needed"] == 2
    one = approve(shell, "registrar-1", str(own), "second.policy")
    other = approve(shell, "ombudsman", "ombudsman.pem", "second.policy")
    assert "1 of 2" in shell.run("registrar", "enact", "second.policy", one, expect=1).err
    shell.run("registrar", "enact", "second.policy", one, other)
    # 3. A station is enrolled by a registrar outside, and by the service no longer.
    shell.run("station", "keygen", "bench-4.pem")
    shell.run(
        "station", "request", "bench-4", "--key", "bench-4.pem", *SITE, "--step", "pack", "--out", "bench-4.request"
    )
    outside = CommandLine(address=instance.address, folder=tmp_path)
    wrong = outside.run(
        "registrar", "enrol", "bench-4.request", "--name", "carrier", "--key", "ombudsman.pem", expect=1
    )
    assert "Rejected" in wrong.err
    enrolled = outside.json("registrar", "enrol", "bench-4.request", "--name", "carrier", "--key", "carrier.pem")
    assert enrolled["station"] == "bench-4"
    token = shell.json("station", "announce", "bench-5", *SITE)["enrol_token"]
    shell.run("station", "keygen", "bench-5.pem")
    late = shell.run("station", "enrol", "bench-5", "--token", token, "--key", "bench-5.pem", expect=1)
    assert "no registrar's any more" in late.err
    # 4. Another ends its key, with the beginning of doubt.
    ended = ("registrar", "revoke", "bench-4", "--kid", enrolled["kid"], "--reason", "handheld stolen")
    outside.run(*ended, "--suspect-from", "3", "--name", "ombudsman", "--key", "ombudsman.pem")
    (station,) = [row for row in shell.json("station", "list")["stations"] if row["station"] == "bench-4"]
    assert station["keys"][0]["suspect_from"] == 3
    # 5. Another, who knows when it was stolen and no index, moves the beginning of doubt back by the hour.
    by = ("--name", "carrier", "--key", "carrier.pem")
    both = outside.run(*ended, "--suspect-from", "3", "--suspect-since", "2026-05-01T14:00:00+01:00", *by, expect=1)
    assert "not at both" in both.err
    assert "in the future" in outside.run(*ended, "--suspect-since", "2999-05-01T14:00:00+01:00", *by, expect=1).err
    outside.run(*ended, "--suspect-since", "2026-05-01T14:00:00+01:00", *by)
    (station,) = [row for row in shell.json("station", "list")["stations"] if row["station"] == "bench-4"]
    assert station["keys"][0]["suspect_from"] == 0
    # 6. The whole log replays to the same.
    audit = shell.json("log", "audit")
    assert (audit["ok"], audit["findings"], audit["policies"], audit["revoked"]) == (True, [], 3, 1)
    shown = shell.json("registrar", "show")
    assert [row["name"] for row in shown["registrars"]] == ["carrier", "ombudsman"]
    assert [row["version"] for row in shown["before"]] == [1, 2]


@pytest.mark.parametrize("key", ["COSE_KEY", "", "?", "oA"])
def test_a_registrars_key_that_is_none_is_told_with_the_registrars_name(shell: CommandLine, key: str) -> None:
    added = ("--add", f"carrier={key}", "--out", "change.policy")
    what, fix = shell.run("registrar", "draft", *added, expect=1).err.splitlines()[-2:]
    assert what.startswith("error the key of the registrar carrier: ")
    assert fix.strip() == "Give what `weaklink registrar keygen` printed as cose_key."
