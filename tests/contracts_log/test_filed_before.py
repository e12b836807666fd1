"""What was filed when the number of an order was read as the key of a thing is found, and forgotten, all the same."""

from typing import Any

import pytest
from sqlalchemy import delete, insert
from sqlmodel import col, select

from custody.kernel.errors import NotFound
from custody.store.run_tables import ItemKeyRow
from custody.usecases.read_trail import read_trail
from tests.contracts_log.shard_yard import Yard
from tests.contracts_log.small_house import OTHER_SSCC, SSCC, raises

ORDER, OTHER_ORDER = "https://shop-a.example/orders/2026/01/20991234", "https://shop-b.example/orders/2025/01/20991234"
BEFORE = "po:https://id.gs1.org/01/00000020991234"


def ordered(number: str) -> dict[str, Any]:
    """What a scan says of an order."""
    return {"bizTransactionList": [{"type": "po", "bizTransaction": number}]}


@pytest.fixture(name="filed")
def _filed(yard: Yard) -> Yard:
    """A yard with a parcel of each of two shops, filed as it was before."""
    yard.see("bench-1", SSCC, **ordered(ORDER))
    yard.see("bench-1", OTHER_SSCC, **ordered(OTHER_ORDER))
    filed = col(ItemKeyRow.key).in_([f"po:{ORDER}", f"po:{OTHER_ORDER}"])
    with yard.house.unit() as unit:
        rows = unit.session.execute(select(ItemKeyRow.run, ItemKeyRow.place).where(filed)).all()
        connection = unit.session.connection()
        connection.execute(delete(ItemKeyRow).where(filed))
        connection.execute(insert(ItemKeyRow), [{"run": run, "key": BEFORE, "place": place} for run, place in rows])
    return yard


def test_the_parcel_of_an_order_is_found_and_no_other(filed: Yard) -> None:
    with filed.house.read() as session:
        for order, parcel in ((ORDER, SSCC), (OTHER_ORDER, OTHER_SSCC)):
            assert read_trail(session, f"po:{order}").trail.belongings.parcel == parcel


def test_a_dropped_scan_leaves_no_key_behind(filed: Yard) -> None:
    quarter = filed.end_quarter()
    filed.go_to(quarter.keep_until_ms(6))
    filed.drop(f"{quarter.name}/all")
    with filed.house.read() as session:
        assert list(session.scalars(select(ItemKeyRow.key))) == []
        with raises(NotFound, "item"):
            read_trail(session, f"po:{ORDER}")
