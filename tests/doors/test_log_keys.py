"""A service goes on with the keys that its log names, and makes none anew beside a log that was written with them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from api.compose import KEYS, compose, open_house
from api.process.keyring import open_keyring
from api.process.log_keys import CODES_MARK, LASTING
from api.settings import read_settings
from custody.kernel import cose
from custody.kernel.errors import Fatal
from custody.ledger.statements import read_policy
from custody.store.policy_book import newest_policy
from custody.store.unit import House, Unit
from custody.usecases.open_log import put_policy


def start(data: Path, **given: object) -> None:
    """Put a service together, and let go of it."""
    parts = compose(read_settings(data=data, **given))
    parts.backends.close()
    parts.engine.dispose()


def refusal(data: Path, **given: object) -> Fatal:
    """Why a service does not start."""
    with pytest.raises(Fatal) as caught:
        start(data, **given)
    return caught.value


@contextmanager
def policies(data: Path) -> Iterator[tuple[House, Unit]]:
    """Lend a unit in which the policies of a service that stands still are read and written."""
    settings = read_settings(data=data)
    house = open_house(settings, open_keyring(data / KEYS))
    with house.unit() as unit:
        yield house, unit
    house.engine.dispose()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Lend the data folder of a service that was started once."""
    start(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("name", [*(f"{purpose}.pem" for purpose in LASTING), "codes.key"])
def test_a_key_that_was_lost_is_not_made_anew_beside_its_log(data: Path, name: str) -> None:
    key = data / "keys" / name
    content = key.read_bytes()
    key.unlink()
    for _ in range(2):
        refused = refusal(data)
        assert name in refused.detail
        assert "Put back" in refused.fix
        assert not key.exists()
    key.write_bytes(content)
    key.chmod(0o600)
    start(data)


def test_a_database_elsewhere_is_not_gone_on_with_in_a_fresh_data_folder(data: Path, database_url: str) -> None:
    start(data.parent / "first", database_url=database_url)
    assert "log.pem" in refusal(data.parent / "second", database_url=database_url).detail


@pytest.mark.parametrize("name", [*(f"{purpose}.pem" for purpose in LASTING), "codes.key"])
def test_a_key_that_the_log_does_not_name_is_refused(data: Path, name: str) -> None:
    start(data.parent / "other")
    shutil.rmtree(data / "heads")
    shutil.copy(data.parent / "other" / "keys" / name, data / "keys")
    refused = refusal(data)
    assert refused.code == "keys"
    assert name in refused.detail
    assert "Put back" in refused.fix


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_codes_that_was_cut_off_is_refused_and_left_as_it_is(data: Path, length: int) -> None:
    secret = data / "keys" / "codes.key"
    whole = secret.read_bytes()
    secret.write_bytes((whole + b"\n")[:length])
    refused = refusal(data)
    assert refused.code == "keys"
    assert "codes.key" in refused.detail
    assert "your copy" in refused.fix
    secret.write_bytes(whole)
    start(data)


def test_a_log_from_before_it_named_the_secret_of_codes_names_it_from_the_next_start_on(data: Path) -> None:
    with policies(data) as (house, unit):
        before = read_policy(newest_policy(unit.session)).policy
        rules = {name: value for name, value in before.rules.items() if name != CODES_MARK}
        old = replace(before, version=2, previous=cose.parse(newest_policy(unit.session)).digest, rules=rules)
        put_policy(house, unit, old)
    for version in (3, 3):
        start(data)
        with policies(data) as (_, unit):
            policy = read_policy(newest_policy(unit.session)).policy
            assert (policy.version, policy.rules[CODES_MARK]) == (version, before.rules[CODES_MARK])
    (data / "keys" / "codes.key").write_bytes(bytes(32))
    assert "codes.key" in refusal(data).detail


@pytest.mark.parametrize("name", ["browsers.key", "registrar.pem"])
def test_a_key_that_no_handset_and_no_past_entry_depends_on_is_made_anew(data: Path, name: str) -> None:
    (data / "keys" / name).unlink()
    start(data)


def test_the_log_of_another_origin_is_not_gone_on_with(data: Path) -> None:
    refused = refusal(data, origin="other.example/log")
    assert "other.example/log" in refused.detail
    assert "WEAKLINK_ORIGIN=weaklink.local/custody" in refused.fix
    start(data)
