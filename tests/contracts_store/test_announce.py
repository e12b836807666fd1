"""What the register says of a station is what it enrolled as; what was announced since takes its place with its key."""

import pytest
from sqlmodel import Session

from custody.kernel.errors import NotFound
from custody.store.tables import StationRow
from custody.store.unit import House
from custody.usecases.enrol_station import Announced, announce, announced, enrol, site_name, station_info
from simulators.load import load_stations
from simulators.station import Station
from tests.contracts_store.houses import Yard
from tests.world_parts import credentials, key


def say(house: House, station: Station, *, place: str, called: str) -> Announced:
    """A supervisor announces a station that is enrolled."""
    link = station.post.link
    site, step = link.site.key, str(link.step)
    with house.unit() as unit:
        return announce(
            unit,
            station=station.name,
            site=site,
            place=place,
            step=step,
            custodian=link.custodian,
            site_name=called,
        )


def listed(session: Session, station: Station) -> tuple[str, str]:
    row = session.get_one(StationRow, station.name)
    return station_info(row).place, site_name(row)


def test_a_station_that_is_announced_again_stays_as_it_is_until_it_enrols(house: House, yard: Yard) -> None:
    station, spare = yard.stations[0], load_stations(4, seed=99)[3]
    with house.read() as session:
        before = listed(session, station)
    mistyped = say(house, station, place="elsewhere", called="Wrong depot")
    with house.read() as session:
        assert listed(session, station) == before
    said = say(house, station, place="D9", called="Depot 9")
    spare.post = station.post
    given = {**credentials(spare, house.clock.now_ms()), "registrar": key("registrar")}
    with house.unit() as unit, pytest.raises(NotFound):
        enrol(unit, token=mistyped.token, **given)
    with house.unit() as unit:
        assert enrol(unit, token=said.token, **given).info.place == "D9"
    with house.read() as session:
        assert listed(session, station) == ("D9", "Depot 9")
        now_ms = house.clock.now_ms()
        again = announced(session, token=said.token, cose_key=given["cose_key"], now_ms=now_ms)
        assert again.place == "D9", "an answer may be lost"
    assert yard.complaints() == []
