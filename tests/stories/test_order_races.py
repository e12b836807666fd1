"""Two reports of one order, chosen at the same moment: the price is promised back once."""

from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from custody.disputes.choose_remedy import choose_remedy
from custody.kernel.errors import Conflict
from custody.usecases import move_case
from tests.stories.case_steps import act
from tests.world import new_world


@pytest.mark.postgres
def test_two_reports_chosen_at_one_moment_promise_the_price_once(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(postgres_url, tmp_path / "world")
    first, second = (world.dispute(world.parcels[0], "damaged") for _ in range(2))
    money: dict[str, Any] = {"remedy": "refund", "payout": "cheque", "actor": "customer"}
    real, refused = choose_remedy, list[str]()

    def choose_the_other() -> None:
        with pytest.raises(Conflict) as caught:
            act(world, move_case.choose, second, **money)
        refused.append(caught.value.code)

    other = Thread(target=choose_the_other)

    def be_overtaken(*args: Any, **facts: Any) -> Any:
        monkeypatch.setattr(move_case, "choose_remedy", real)
        other.start()
        other.join(2)
        return real(*args, **facts)

    monkeypatch.setattr(move_case, "choose_remedy", be_overtaken)
    act(world, move_case.choose, first, **money)
    other.join(30)
    world.close()
    assert refused == ["paid"]
