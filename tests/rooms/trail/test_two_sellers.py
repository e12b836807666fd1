"""Two sellers may have orders of one number; in the CBV's form the number says whose it is."""

import pytest

from custody.trail.edition import ReadingEdition
from custody.trail.names import same_orders
from custody.trail.ties import bind
from tests.rooms.trail.world import ORDER, PARCEL, PARCEL_2, PHONE_2, PHONE_IMEI, World

OTHERS = ORDER.replace("9521473000102", "9521886000010")
BARE = "po:SO-20991"


def po(order: str) -> list[dict[str, str]]:
    return [{"type": "po", "bizTransaction": order}]


@pytest.fixture(name="world")
def _world() -> World:
    """A parcel of each seller, and what each says of the order by itself."""
    world = World()
    world.pack()
    world.pack(phone=PHONE_2, parentID=PARCEL_2, bizTransactionList=po(OTHERS), chain=False)
    for order in (ORDER, OTHERS):
        world.scan("desk", "TransactionEvent", action="DELETE", bizTransactionList=po(order), chain=False)
    return world


@pytest.mark.parametrize(("order", "parcel", "places"), [(ORDER, PARCEL, [0, 2]), (OTHERS, PARCEL_2, [1, 3])])
def test_an_order_in_full_leads_to_its_sellers_parcel_and_words_alone(
    world: World, order: str, parcel: str, places: list[int]
) -> None:
    for belongings in (world.belongings(f"po:{order}"), world.belongings(parcel)):
        assert (belongings.parcel, belongings.orders, belongings.others) == (parcel, (BARE, f"po:{order}"), ())
        assert [at for at, sealed in enumerate(world.scans) if belongings.via(sealed)] == places


def test_the_number_by_itself_leads_to_no_parcel_and_lists_those_of_both(world: World) -> None:
    belongings = world.belongings(BARE)
    assert (belongings.parcel, belongings.items, [other.key for other in belongings.others]) == (
        None,
        (),
        [PARCEL, PARCEL_2],
    )
    assert world.belongings(BARE, parcel=PARCEL).parcel == PARCEL


def test_before_the_two_orders_were_one(world: World) -> None:
    belongings = world.belongings(BARE, edition=ReadingEdition.THIRD)
    assert belongings.parcel == PARCEL_2
    assert [at for at, sealed in enumerate(world.scans) if belongings.via(sealed, ReadingEdition.THIRD)] == [1, 2, 3]
    assert [entry.index for entry in world.trail(edition=ReadingEdition.THIRD).entries] == [100, 102, 103]


def test_another_sellers_order_of_the_same_number_ties_no_handset_and_contradicts() -> None:
    for order, bound in ((ORDER, True), (OTHERS, False)):
        world = World()
        world.commission(bizTransactionList=po(order))
        world.pack()
        binding = bind(world.trail(), PHONE_IMEI)
        assert (binding.bound, bool(binding.findings)) == (bound, not bound)


def test_a_number_is_one_order_however_its_text_is_spelt_and_where_nothing_says_whose_it_is() -> None:
    ours = {"po:SO/1", "po:urn:epcglobal:cbv:bt:9521473000102:SO%2F1"}
    assert same_orders(ours, {"po:SO/1", "po:urn:epcglobal:cbv:bt:9521473000102:SO/1"}) == {"po:SO/1"}
    assert same_orders(ours, {"po:SO/1"}) == {"po:SO/1"}
    assert same_orders(ours, {"po:SO/1", "po:urn:epcglobal:cbv:bt:9521886000010:SO/1"}) == frozenset()
