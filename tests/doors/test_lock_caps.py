"""Limits on locks are a setting of the house: counted as set, written into the log, and never just dropped."""

from pathlib import Path
from typing import Any

import pytest

from api.compose import compose
from api.settings import read_settings
from custody.kernel.errors import Rejected
from custody.usecases.open_log import rules_in_force
from devicelock.rules.caps import Caps


def started(data: Path, **caps: int) -> tuple[Caps, Any, int]:
    """A service is put together and let go; its limits, what the log says of them, and the log's length."""
    parts = compose(read_settings(data=data, lock_caps=caps or None))
    with parts.house.unit() as unit:
        named, size = rules_in_force(unit).get("lock_caps"), unit.log.size
    parts.backends.close()
    parts.engine.dispose()
    return parts.locks.caps, named, size


def test_the_usual_limits_are_not_written_down(tmp_path: Path) -> None:
    caps, named, _ = started(tmp_path)
    assert caps == Caps()
    assert named is None


def test_other_limits_count_and_are_an_entry_of_the_log_once(tmp_path: Path) -> None:
    _, _, before = started(tmp_path)
    caps, named, size = started(tmp_path, per_day=200, per_hour=60)
    assert caps == Caps(per_day=200, per_hour=60)
    assert (named["per_day"], named["per_hour"], named["canary"]) == (200, 60, Caps().canary)
    assert size == before + 1
    assert started(tmp_path, per_day=200, per_hour=60)[2] == size


def test_the_way_back_to_the_usual_limits_is_written_down_too(tmp_path: Path) -> None:
    _, _, size = started(tmp_path, per_day=200)
    caps, named, after = started(tmp_path)
    assert caps == Caps()
    assert named["per_day"] == Caps().per_day
    assert after == size + 1


@pytest.mark.parametrize("caps", [{"per_minute": 1}, {"per_day": 0}])
def test_a_limit_that_is_none_keeps_the_service_from_starting(tmp_path: Path, caps: dict[str, int]) -> None:
    with pytest.raises(Rejected) as caught:
        started(tmp_path, **caps)
    assert caught.value.fix
