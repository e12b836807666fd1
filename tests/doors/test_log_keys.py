"""A service goes on with the keys that its log names, and makes none anew beside a log that was written with them."""

import shutil
from pathlib import Path

import pytest

from api.compose import compose
from api.log_keys import LASTING
from api.settings import read_settings
from custody.kernel.errors import Fatal


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


@pytest.mark.parametrize("purpose", LASTING)
def test_a_key_that_the_log_does_not_name_is_refused(data: Path, purpose: str) -> None:
    start(data.parent / "other")
    shutil.rmtree(data / "heads")
    shutil.copy(data.parent / "other" / "keys" / f"{purpose}.pem", data / "keys")
    assert f"{purpose}.pem" in refusal(data).detail


@pytest.mark.parametrize("name", ["browsers.key", "registrar.pem"])
def test_a_key_that_no_handset_and_no_past_entry_depends_on_is_made_anew(data: Path, name: str) -> None:
    (data / "keys" / name).unlink()
    start(data)


def test_the_log_of_another_origin_is_not_gone_on_with(data: Path) -> None:
    refused = refusal(data, origin="other.example/log")
    assert "other.example/log" in refused.detail
    assert "WEAKLINK_ORIGIN=weaklink.local/custody" in refused.fix
    start(data)
