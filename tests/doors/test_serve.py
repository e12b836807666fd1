"""`weaklink serve` that cannot serve says so in two lines, what is wrong and what to change, and has made nothing."""

import json
import logging
import os
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from errno import ENOSPC
from pathlib import Path
from unittest.mock import Mock

import pytest
import structlog
from pydantic import ValidationError
from structlog.testing import capture_logs

from api.cli.serve import speak
from api.compose import BOUGHT, compose, connect
from api.process.data_folder import hold_folder
from api.process.keyring import open_signer
from api.settings import ADDRESS_MOST, ROOM, Settings, read_settings
from custody.disputes.recourse import for_holders
from custody.kernel.errors import Unavailable
from devicelock.rules.command import SCREEN_MOST
from tests.contracts_store.faults import broken_commit
from tests.contracts_store.houses import begin, make_yard, open_house, running
from tests.doors.command_line import CommandLine


@pytest.fixture(autouse=True)
def _own_lines() -> Iterator[None]:
    """A start writes its lines to the screen of its process, which here is gone after each test."""
    yield
    structlog.reset_defaults()


def refused(folder: Path, *words: str) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    (folder / "file").touch()
    ended = CommandLine(address="", folder=folder).run("serve", *words, expect=1)
    assert ended.out == ""
    assert [path.name for path in folder.iterdir()] == ["file"]
    what, fix = ended.err.splitlines()
    return what, fix.strip()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--port 0 --data file", "--data"),
        ("--port 0 --data file/data", "--data"),
        ("--port 99999", "--port"),
        ("--workers 0", "--workers"),
        ("--port 0 --host 192.0.2.1", "--host"),
    ],
)
def test_what_cannot_be_served_is_refused_and_the_option_to_change_is_named(
    tmp_path: Path, words: str, option: str
) -> None:
    what, fix = refused(tmp_path, *words.split())
    assert what.startswith("error ")
    assert fix == f"Choose another {option}."


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_found_out_before_anything_is_made_or_any_password_told(
    tmp_path: Path, workers: str
) -> None:
    """Also where whoever has it would share it with more processes."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        what, fix = refused(tmp_path, "--port", str(port), "--workers", workers)
    assert f"127.0.0.1:{port}" in what
    assert fix == "Choose another --port."


def test_a_setting_of_the_environment_is_named_as_it_is_set_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKLINK_WORKERS", "none")
    assert refused(tmp_path)[1] == "Set WEAKLINK_WORKERS otherwise."


@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if field.annotation == Path | None]
)
def test_a_file_or_folder_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As the lines of an environment file that nobody filled in, which would all mean the folder of the service."""
    monkeypatch.setenv(f"WEAKLINK_{name.upper()}", "")
    assert getattr(read_settings(), name) is None


def test_a_data_folder_without_a_name_is_refused_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKLINK_DATA", "")
    what, fix = refused(tmp_path, "--port", "0")
    assert (what, fix) == ("error the setting data: Value error, it is empty", "Set WEAKLINK_DATA otherwise.")


def test_a_setting_that_no_database_could_keep_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    what, fix = refused(tmp_path, "--port", "0", "--mqtt-host", "\udcff")
    assert (what, fix) == ("error the setting mqtt_host: Value error, it is not UTF-8", "Choose another --mqtt-host.")


@pytest.mark.parametrize("host", [" ", "\t", "a broker", " broker.example", "broker.example\n"])
def test_what_is_no_host_is_not_taken_for_a_broker(tmp_path: Path, host: str) -> None:
    what, fix = refused(tmp_path, "--port", "0", "--mqtt-host", host)
    assert f"{host!r} is no host" in what
    assert fix == "Choose another --mqtt-host."


def test_a_witness_policy_without_a_name_is_not_the_folder_that_the_command_was_typed_in(tmp_path: Path) -> None:
    """In the environment an empty line is one that nobody filled in; on a command line it is a variable of none."""
    (tmp_path / "file").touch()
    for typed in ("", " "):
        words = ("serve", "--port", "0", f"--witness-policy={typed}")
        said = CommandLine(address="", folder=tmp_path).run(*words, expect=2)
        assert "no file is named" in said.err
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_data_folder_is_made_for_its_owner_alone_and_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    made, found = tmp_path / "made", tmp_path / "found"
    found.mkdir()
    found.chmod(0o750)
    for folder, mode in ((made, 0o700), (found, 0o750)):
        with hold_folder(folder):
            assert stat.S_IMODE(folder.stat().st_mode) == mode


def test_a_start_is_told_as_one_json_value_with_the_accounts_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.serve.Server", Mock())
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    shell = CommandLine(address="", folder=tmp_path)
    first, then = (json.loads(shell.run("serve", "--port", "0", "--data", "d", "--json").out) for _ in range(2))
    assert (first["data"], first["api"]) == ("d", f"{first['address']}/docs")
    assert {"agent-1", "supervisor-1", "investigator-1"} <= first["accounts"].keys()
    assert then["accounts"] == {}


@pytest.mark.parametrize(
    ("given", "warned"),
    [
        ({}, False),
        ({"MQTT_HOST": "127.0.0.1"}, True),
        ({"MQTT_HOST": "127.0.0.1", "PUBLIC_URL": "https://log.example", "SUPPORT_PHONE": "0800 1"}, False),
    ],
)
def test_who_serves_handsets_elsewhere_hears_that_their_lock_screens_need_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], *, warned: bool
) -> None:
    monkeypatch.setattr("api.cli.serve.Server", Mock())
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    for name, value in given.items():
        monkeypatch.setenv(f"WEAKLINK_{name}", value)
    with capture_logs() as lines:
        CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", "--json")
    assert [line["set"] for line in lines if "set" in line] == ["public_url"] * warned


@pytest.mark.parametrize(("phone", "warned"), [("", True), ("0800 123 456", False)])
def test_who_serves_customers_hears_that_their_pages_need_a_number_of_the_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phone: str, *, warned: bool
) -> None:
    """Else an angry customer calls a number that is nobody's."""
    monkeypatch.setattr("api.cli.serve.Server", Mock())
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    monkeypatch.setenv("WEAKLINK_PUBLIC_URL", "https://log.example")
    if phone:
        monkeypatch.setenv("WEAKLINK_SUPPORT_PHONE", phone)
    with capture_logs() as lines:
        CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", "--json")
    assert [line["set"] for line in lines if "set" in line] == ["support_phone"] * warned


def test_accounts_whose_passwords_could_not_be_told_are_not_made_and_the_next_start_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.serve.Server", Mock())
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    shell = CommandLine(address="", folder=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("api.cli.serve.print", Mock(side_effect=OSError(ENOSPC, "no room")), raising=False)
        shell.run("serve", "--port", "0", "--data", "d", "--json", expect=1)
    told_then = json.loads(shell.run("serve", "--port", "0", "--data", "d", "--json").out)
    assert {"agent-1", "supervisor-1", "investigator-1"} <= told_then["accounts"].keys()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"DATABASE_URL": "customers"}, "database_url"),
        ({"DATABASE_URL": "sqlite://"}, "database_url"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "database_url"),
        ({"DATABASE_URL": "sqlite://weaklink.db"}, "database_url"),
        ({"ORIGIN": "my log"}, "origin"),
        ({"ORIGIN": ""}, "origin"),
        ({"NANOMDM_ADDRESS": "localhost:9000"}, "nanomdm_address"),
        ({"KNOX_ADDRESS": "knox.example"}, "knox_address"),
        ({"DATABASE_URL": "mysql://127.0.0.1/customers"}, "database_url"),
        ({"DATABASE_URL": "postgresql+psycopg://u:s3cret@127.0.0.1:1/customers"}, "u:***@127.0.0.1:1/customers"),
        ({"MQTT_PORT": "99999"}, "mqtt_port"),
        ({"EMBEDDED_MQTT_PORT": "99999"}, "embedded_mqtt_port"),
        ({"SESSION_HOURS": "0"}, "session_hours"),
        ({"MQTT_HOST": "127.0.0.1", "MQTT_CA": "none.pem"}, "mqtt_ca"),
        ({"MQTT_HOST": "127.0.0.1", "MQTT_CA": "words.txt"}, "mqtt_ca"),
        ({"MQTT_HOST": "127.0.0.1", "MQTT_CERTIFICATE": "words.txt"}, "mqtt_certificate"),
        ({"MQTT_CA": "words.txt"}, "mqtt_host"),
        ({"WITNESS_POLICY": "words.txt"}, "words.txt"),
        ({"VERDICT_POLICY": "words.txt"}, "words.txt"),
        ({"SESSION_HOURS": "99999999999"}, "session_hours"),
        ({"LOCK_CAPS": '{"per_day": -1}'}, "lock_caps"),
        ({"LOCK_CAPS": '{"per_dya": 3}'}, "per_dya"),
        ({"COMPANY_PREFIXES": "9521473, 95214"}, "company_prefixes"),
        ({"DESKS": "words.txt"}, "words.txt: it is no JSON"),
        ({"DESKS": "none.json"}, "none.json"),
        ({"SUPPORT_PHONE": " "}, "support_phone"),
        ({"SUPPORT_PHONE": "0800 000 000 (free, day and night)"}, "support_phone"),
        ({"OPERATOR": "a name\nof two lines"}, "operator"),
        ({"RECOURSE": "somebody" * 30}, "recourse"),
        ({"PUBLIC_URL": "log.example"}, "public_url"),
        ({"PUBLIC_URL": "https://log.example/?a=1"}, "public_url"),
        ({"PUBLIC_URL": "https://log.example:99999"}, "public_url"),
        ({"PUBLIC_URL": "https://somebody:s3cret@log.example"}, "public_url"),
        ({"PUBLIC_URL": f"https://{'log.' * 30}example"}, "public_url"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_to_do_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], named: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"WEAKLINK_{name}", value)
    (tmp_path / "words.txt").write_bytes(b"words \xff\n")
    what, fix = told(tmp_path)
    assert named in what
    assert fix
    assert "s3cret" not in what + fix


def told(folder: Path) -> tuple[str, str]:
    """How a start in this folder ends: what is wrong, and what to do about it."""
    ended = CommandLine(address="", folder=folder).run("serve", "--port", "0", "--data", "d", expect=1)
    assert ended.out == ""
    what, fix = ended.err.splitlines()
    return what, fix.strip()


def written_by_a_newer_version(data: Path) -> None:
    with closing(sqlite3.connect(data / "weaklink.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'api_9999' WHERE version_num LIKE 'api_%'")


def not_a_database(data: Path) -> None:
    (data / "weaklink.db").write_bytes(bytes(range(256)) * 64)


def a_folder_in_its_place(data: Path) -> None:
    (data / "weaklink.db").unlink()
    (data / "weaklink.db").mkdir()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (written_by_a_newer_version, "another version"),
        (not_a_database, "weaklink.db cannot be opened"),
        (a_folder_in_its_place, "weaklink.db cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_two_lines(
    tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    started(tmp_path)
    damage(tmp_path / "d")
    assert named in told(tmp_path)[0]


def test_a_disk_without_room_is_told_with_the_file_and_that_room_is_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("custody.store.durable_file.os.fsync", Mock(side_effect=OSError(ENOSPC, "no room")))
        assert told(tmp_path) == ("error d/keys/log.pem: no room", "Make room there, and do it again.")
    assert [*(tmp_path / "d" / "keys").iterdir()] == []


def test_a_key_is_made_though_a_power_cut_left_its_draft_by_a_process_of_the_same_number(tmp_path: Path) -> None:
    """As in a container, where the service has the same number at each start."""
    (tmp_path / f"log.{os.getpid()}.draft").write_text("half a k")
    made = open_signer(tmp_path / "log.pem")
    assert [path.name for path in tmp_path.iterdir()] == ["log.pem"]
    assert open_signer(tmp_path / "log.pem").public == made.public


def started(folder: Path) -> None:
    """A service has run in this folder once."""
    parts = compose(read_settings(data=folder / "d"))
    parts.backends.close()
    parts.engine.dispose()


def test_a_broker_port_that_is_taken_is_told_in_two_lines_after_the_passwords_that_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("WEAKLINK_EMBEDDED_MQTT_PORT", str(other.getsockname()[1]))
        monkeypatch.setattr("api.cli.serve.speak", Mock())
        ended = CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", expect=1)
    assert "supervisor-1" in ended.out
    what, fix = ended.err.splitlines()
    assert "is in use" in what
    assert "WEAKLINK_EMBEDDED_MQTT_PORT" in fix


@pytest.mark.parametrize("trouble", [OSError(ENOSPC, "no room"), ValueError("I/O operation on closed file")])
def test_scans_that_could_not_be_stored_are_answered_though_the_line_that_says_so_could_not_be_written(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    house = open_house(sqlite_url)
    begin(house)
    yard = make_yard(house)
    monkeypatch.setattr("sys.stderr", Mock(write=Mock(side_effect=trouble)))
    speak(logging.WARNING)
    with running(house) as intake:
        with broken_commit(house.engine, applied=False), pytest.raises(Unavailable):
            yard.take(intake, yard.lanes[0])
        assert [ack.verdict.result for ack in yard.take(intake, yard.lanes[0])] == ["accepted"] * 6
    house.engine.dispose()


@pytest.mark.parametrize("on_a_screen", [True, False])
def test_a_line_has_colours_on_a_screen_and_in_a_journal_or_file_it_is_plain_text(
    monkeypatch: pytest.MonkeyPatch, *, on_a_screen: bool
) -> None:
    written: list[str] = []
    stderr = Mock(write=written.append, isatty=lambda: on_a_screen)
    monkeypatch.setattr("sys.stderr", stderr)
    speak(logging.INFO)
    structlog.get_logger().warning("the disk is full", why="no room")
    line = "".join(written)
    assert "the disk is full" in line
    assert ("\x1b[" in line) is on_a_screen


def test_a_first_start_that_cannot_write_its_name_says_so_in_two_lines_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full by then."""
    monkeypatch.setattr("api.cli.serve.speak", Mock())
    (tmp_path / "d" / "instance.txt").mkdir(parents=True)
    ended = CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", expect=1)
    what, fix = ended.err.splitlines()
    assert "instance.txt" in what
    assert fix.strip()


@pytest.mark.parametrize(
    ("place", "content"), [("instance.txt", ""), ("mqtt-port.txt", ""), ("mqtt-port.txt", "99999\n")]
)
def test_a_name_or_port_whose_file_a_power_cut_left_without_its_content_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, content: str
) -> None:
    started(tmp_path)
    monkeypatch.setattr("api.compose.MqttTransport", Mock())
    (tmp_path / "d" / place).write_text(content)
    parts = compose(read_settings(data=tmp_path / "d"))
    connect(parts)
    parts.backends.close()
    parts.engine.dispose()
    assert (tmp_path / "d" / place).read_text().strip() not in {"", content.strip()}


def test_what_may_be_set_fits_on_every_lock_screen() -> None:
    longest = f"https://{'a' * (ADDRESS_MOST - len('https://'))}"
    texts = {name: "x" * most for name, most in ROOM.items()}
    settings = Settings(**texts, public_url=longest)  # type: ignore[arg-type]  # all of them are texts
    assert len(BOUGHT.format(address=f"{settings.address}/bought")) <= SCREEN_MOST["bought"]
    assert len(for_holders(settings.recourse)) <= SCREEN_MOST["recourse"]
    for name, text in texts.items():
        with pytest.raises(ValidationError, match=name):
            Settings(**{name: text + "x"})  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")])
def test_an_address_of_ipv6_is_told_in_brackets(host: str, address: str) -> None:
    assert Settings(host=host, port=80).address == address
