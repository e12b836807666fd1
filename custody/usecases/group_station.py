"""Putting a station under a group; what it sends from then on is kept and dropped with the others of that group.

Each setting is a record in the log, so that anyone can tell in which shard a scan belongs.
"""

from custody.kernel.errors import NotFound
from custody.scans.shard import group_at, read_group
from custody.store import shard_book
from custody.store.shard_book import StationGroupRow
from custody.store.tables import StationRow
from custody.store.unit import Unit

STATION_GROUP = "station.group"
"""Kind of the record that puts a station under a group from its own place in the log on."""


def group_station(unit: Unit, *, station: str, group: str) -> int | None:
    """Put a station under a group; the record's index, None if it is under it. Raises `NotFound` or `Rejected`."""
    read_group(group)
    if unit.session.get(StationRow, station) is None:
        raise NotFound("station", f"there is no station {station!r}", fix="Check the name with GET /v1/stations.")
    size = unit.log.size
    if group_at(shard_book.settings(unit.session), station, size) == group:
        return None
    index = unit.record(STATION_GROUP, {"station": station, "group": group})
    unit.session.add(StationGroupRow(station=station, from_idx=index, group=group))
    return index
