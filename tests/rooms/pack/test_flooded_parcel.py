"""A station that floods a parcel with scans keeps nobody from the evidence of it."""

from collections.abc import Iterator

import pytest

from custody.investigation.pack.archive import read_zip
from custody.investigation.verify.pack import verify_pack
from custody.scans.batch import MOST
from tests.rooms.pack.pack_world import PARCEL, World, observe, open_world, whole_story

FLOOD = 7_000
MANY_FILES = 20_000
"""So many files a pack might have at most before."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Lend the whole story, with a courier who then scans the parcel thousands of times."""
    folder = tmp_path_factory.mktemp("flood")
    with open_world(f"sqlite:///{folder / 'house.sqlite3'}", together=frozenset({"courier-7"})) as told:
        whole_story(told)
        for number in range(FLOOD):
            told.scan("courier-7", "ObjectEvent", observe(PARCEL, "inspecting"), after_ms=100)
            if number % MOST == MOST - 1:
                told.close_batch()
        told.close_batch()
        yield told


def test_a_parcel_that_a_station_flooded_has_a_pack_with_every_scan_and_it_holds(world: World) -> None:
    content = world.export().content
    leaves = [name for name in read_zip(content) if name.endswith(".leaf")]
    assert len(leaves) >= FLOOD
    assert 3 * len(leaves) > MANY_FILES
    verify_pack(content, vkey=world.vkey).demand()
