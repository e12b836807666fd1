"""The life of a handset on the command line, and what people watch over there."""

import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from api.cli.instance import Instance
from custody.kernel.clock import DAY_MS, from_iso, to_iso
from custody.kernel.system_clock import SystemClock
from simulators.client import ServiceClient
from simulators.goods import SMARTPHONES, make_unit
from simulators.handset import enrol_handset
from tests.doors.command_line import CommandLine, signed_in

SERIALS = count(900)
WAIT_S = 60.0


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend the shell of a supervisor."""
    return signed_in(instance, "supervisor-1", tmp_path)


@pytest.fixture
def imei(instance: Instance, shell: CommandLine) -> str:
    """Lend the IMEI of a handset that was just registered."""
    client = ServiceClient(instance.address, token=shell.token)
    unit = make_unit(SMARTPHONES[0], next(SERIALS))
    enrol_handset(client, unit, seed="commands")
    client.close()
    return unit.imei


def test_a_handset_that_was_received_is_retired_for_ever(shell: CommandLine, imei: str) -> None:
    told = shell.json("lock", "received", imei)
    assert (told["confirmed"], told["retired"], told["desired"]) == (True, True, "retired")
    checks = {row["check"]: row for row in shell.json("lock", "preflight", imei)["checks"]}
    assert checks["not_retired"]["ok"] is False
    assert checks["not_retired"]["allowed_by"]
    asked = shell.json("lock", "request", imei, "--last4", imei[-4:], "--reason", "never_received", expect=1)
    assert asked["state"] == "refused", "a script reads that no lock comes of it"


def test_an_address_may_end_with_a_slash(shell: CommandLine) -> None:
    assert replace(shell, address=f"{shell.address}/").json("lock", "leavers") == shell.json("lock", "leavers")


def test_a_case_without_a_name_is_not_left_out_of_the_checks(shell: CommandLine, imei: str) -> None:
    assert "there is no case ''" in shell.run("lock", "preflight", imei, "--dispute=", expect=1).err


def test_a_leavers_handset_is_retired_before_the_account_ends(shell: CommandLine, imei: str) -> None:
    ends_at = to_iso(SystemClock().now_ms() + 30 * DAY_MS)
    told = shell.json("lock", "leaver", imei, "--ends-at", ends_at)
    assert (told["left"], told["retired"]) == (True, True)
    said = shell.run("lock", "leaver", imei, "--ends-at", "in a month", expect=1)
    assert "2026-05-11T08:12:30.000+01:00" in said.err, "it says how a time is written"


def test_what_a_leaver_was_told_is_there_for_whoever_writes_to_customers(shell: CommandLine, imei: str) -> None:
    ends_at = to_iso(SystemClock().now_ms() + 2 * DAY_MS)
    device = shell.json("lock", "leaver", imei, "--ends-at", ends_at)["device"]
    deadline = time.monotonic() + WAIT_S
    told: list[dict[str, str]] = []
    while not told and time.monotonic() < deadline:
        time.sleep(0.1)
        told = [row for row in shell.json("lock", "leavers")["leavers"] if row["device"] == device]
    (row,) = told
    assert "bank payments" in row["words"]
    assert (row["ends_at"], row["next_at"]) == (ends_at, to_iso(from_iso(ends_at) - DAY_MS))
    assert device in shell.run("lock", "leavers").out
    behind = shell.json("lock", "leavers", "--cursor", f"1-{device}")
    assert behind == {"leavers": [], "next": None}


def test_a_code_is_read_out_for_a_handset_that_has_no_order_here(shell: CommandLine, imei: str) -> None:
    answer = shell.json("lock", "code", imei, "--challenge", "1234-5678 3.17")["answer"]
    assert len(answer) == 8
    assert shell.run("lock", "code", imei, "--challenge", "1234-5678 3.17").out.strip() == answer
    said = shell.run("lock", "code", imei, "--challenge", "12345678", expect=1)
    assert "number of the lock" in said.err, "no lock of it is known here, so the screen must name it"


def test_what_people_watch_over_is_shown_and_what_is_not_there_is_said(shell: CommandLine) -> None:
    shell.json("lock", "stop", "a drill")
    (alert,) = [row for row in shell.json("lock", "alerts")["alerts"] if row["kind"] == "locks_stopped"]
    assert "a drill" in shell.run("lock", "alerts").out
    assert shell.json("lock", "alerts", "--seen", alert["alert"])["seen_by"] == "person-of-supervisor-1"
    assert shell.json("lock", "groups") == {"groups": []}
    said = shell.run("lock", "clear", "policy:none", "--why", "I looked", expect=1)
    assert "/v1/locks/groups" in said.err
