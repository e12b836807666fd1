"""A service that nobody can sign in to any more: whoever runs its machine makes a supervisor's account, seen by all."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.instance import Instance
from api.compose import free_port
from tests.doors.command_line import CommandLine

REFUSED = {
    ("agent-1", "--person", "Ann Lee"): "exists",
    ("ann", "--person", "system"): "person",
    ("a b", "--person", "Ann Lee"): "name",
    ("ann", "--person", "Ann Lee", "--close", "nobody"): "no account 'nobody'",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Instance]:
    """Lend a service that a test stops and starts."""
    running = Instance(tmp_path / "data", port=free_port())
    running.start()
    yield running
    running.stop()


def sign_in(service: Instance, account: str, password: str) -> httpx.Client:
    answer = httpx.post(f"{service.address}/v1/sessions", json={"account": account, "password": password})
    assert answer.status_code == 201, answer.text
    return httpx.Client(base_url=service.address, headers={"authorization": f"Bearer {answer.json()['token']}"})


def rescue(service: Instance, *words: str, expect: int = 0) -> Any:
    shell = CommandLine(address=service.address, folder=service.data.parent)
    ended = shell.run("rescue", *words, "--data", str(service.data), "--json", expect=expect)
    return ended if expect else ended.value


def test_a_rescued_account_is_a_supervisors_the_log_has_it_and_the_others_are_told(service: Instance) -> None:
    service.stop()
    made = rescue(service, "ann", "--person", "Ann Lee")
    assert (made["account"], made["role"], made["person"], made["closed"]) == ("ann", "supervisor", "Ann Lee", [])
    service.start()
    with sign_in(service, "ann", made["password"]) as ann:
        rows = {row["name"]: row for row in ann.get("/v1/accounts").json()["accounts"]}
        assert rows["ann"]["made_by"] == "rescue at the machine"
        (alert,) = (one for one in ann.get("/v1/alerts").json()["alerts"] if one["kind"] == "decider_made")
        assert "ann of Ann Lee as supervisor" in alert["detail"]
        assert ann.post(f"/v1/alerts/{alert['alert']}/seen").status_code == 403, "it is about her account"
    with sign_in(service, "supervisor-1", service.accounts["supervisor-1"]) as other:
        assert other.post(f"/v1/alerts/{alert['alert']}/seen").is_success


def test_whoever_took_every_account_is_put_out_before_the_service_starts_again(service: Instance) -> None:
    with sign_in(service, "supervisor-1", service.accounts["supervisor-1"]) as thief:
        for name in ("supervisor-2", "agent-1", "agent-2", "investigator-1"):
            assert thief.post(f"/v1/accounts/{name}/close").is_success
        service.stop()
        made = rescue(service, "ann", "--person", "Ann Lee", "--close", "supervisor-1")
        assert made["closed"] == ["supervisor-1"]
        service.start()
        assert thief.get("/v1/me").status_code == 401
    with sign_in(service, "ann", made["password"]) as ann:
        kinds = [one["kind"] for one in ann.get("/v1/alerts").json()["alerts"]]
        assert "decider_closed" in kinds


def test_two_rescued_people_are_two_people_as_those_of_the_first_start_are(service: Instance) -> None:
    service.stop()
    made = [rescue(service, name, "--person", person) for name, person in (("ann", "Ann Lee"), ("bo", "Bo Roy"))]
    service.start()
    with sign_in(service, "ann", made[0]["password"]) as ann, sign_in(service, "bo", made[1]["password"]) as bo:
        proposed = ann.post("/v1/authority").json()["proposal"]
        assert ann.post(f"/v1/authority/{proposed}/approve").status_code == 403
        assert bo.post(f"/v1/authority/{proposed}/approve").is_success


def test_no_account_is_made_whose_password_could_not_be_printed(service: Instance) -> None:
    service.stop()
    words = ["rescue", "ann", "--person", "Ann Lee", "--data", str(service.data), "--json"]
    with Path("/dev/full").open("w", encoding="ascii") as full:
        command = [sys.executable, "-P", "-m", "api.cli.main", *words]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode, ended.stderr
    service.start()
    with sign_in(service, "supervisor-1", service.accounts["supervisor-1"]) as one:
        names = {row["name"] for row in one.get("/v1/accounts").json()["accounts"]}
    assert names == set(service.accounts)


def test_a_rescue_that_cannot_be_changes_nothing(service: Instance) -> None:
    service.stop()
    for words, what in REFUSED.items():
        assert what in rescue(service, *words, expect=1).err
    service.start()
    with sign_in(service, "supervisor-1", service.accounts["supervisor-1"]) as one:
        names = {row["name"] for row in one.get("/v1/accounts").json()["accounts"]}
    assert names == set(service.accounts)


def test_nobody_is_rescued_beside_a_running_service_nor_where_there_is_none(service: Instance, tmp_path: Path) -> None:
    assert "already uses" in rescue(service, "ann", "--person", "Ann Lee", expect=1).err
    shell, missing = CommandLine(address="", folder=tmp_path), tmp_path / "missing"
    told = shell.run("rescue", "ann", "--person", "Ann Lee", "--data", str(missing), expect=1)
    assert "holds no database" in told.err
    assert not missing.exists()
