"""The parcels of a network in lots, so that what was counted of a lot is counted once.

An investigation needs the traffic of all parcels and what is normal on those that nobody disputes. Both are sums, and
most of what they are made of is the same from one investigation to the next: a lot is counted again only when one of
its parcels was scanned again, or is disputed now and was not before. Parcels stand in the order in which they came,
also those that have no way, for the time when they have one: so sums run in that order however the lots are cut.
"""

from collections.abc import Collection, Iterator, Mapping

from custody.investigation.count_traffic import Traffic, traffic_of
from custody.investigation.measure_clean import Clean, clean_of
from custody.investigation.passage import Passage
from custody.investigation.read_passage import Network, ParcelWay, Seen, look_around, network_of, passage_of, unseen

IN_LOT = 4_096


class Lot:
    """Some parcels with their passages, which do not change, and what was counted of them so far."""

    def __init__(self, passages: Mapping[str, Passage]) -> None:
        self.passages = passages
        self._traffic: Traffic | None = None
        self._clean: tuple[frozenset[str], Clean] | None = None

    def traffic(self) -> Traffic:
        """What these parcels add to the traffic."""
        if self._traffic is None:
            self._traffic = traffic_of(self.passages.values())
        return self._traffic

    def clean(self, disputed: Collection[str]) -> Clean:
        """What those of them show that nobody disputes."""
        without = frozenset(self.passages.keys() & disputed)
        if self._clean is None or self._clean[0] != without:
            clean = clean_of([passage for parcel, passage in self.passages.items() if parcel not in without])
            self._clean = without, clean
        return self._clean[1]


class Lots:
    """All parcels by their ways, and their passages for as long as these stay as they are."""

    def __init__(self) -> None:
        self._ways: list[dict[str, ParcelWay | None]] = []
        self._seen: list[Seen | None] = []
        self._lots: list[Lot] = []
        self._stands_in: dict[str, int] = {}
        self._stale: dict[int, set[str]] = {}
        self._network = Network(rosters={}, roads={})

    def __contains__(self, parcel: object) -> bool:
        return isinstance(parcel, str) and self._way(parcel) is not None

    def put(self, parcel: str, way: ParcelWay | None) -> None:
        """Keep a parcel's way in place of the one before; None: it has none."""
        before, number = self._way(parcel), self._stands_in.get(parcel)
        if number is None:
            number = self._stands_in[parcel] = self._last()
        self._ways[number][parcel] = way
        if way is not None or before is not None:
            self._seen[number] = None
            self._stale.setdefault(number, set()).add(parcel)

    def settled(self, names: Mapping[str, str]) -> tuple[Lot, ...]:
        """The lots as all ways together have them; `names` says what people call a site."""
        self._seen = [
            seen or look_around(filter(None, ways.values())) for seen, ways in zip(self._seen, self._ways, strict=True)
        ]
        network = network_of([seen for seen in self._seen if seen is not None], names)
        if network != self._network:
            for number, ways in enumerate(self._ways):
                self._stale.setdefault(number, set()).update(_differing(ways, self._network, network))
        for number, parcels in self._stale.items():
            if parcels:
                kept = self._lots[number].passages
                self._lots[number] = Lot(
                    {
                        parcel: kept[parcel] if parcel not in parcels else passage_of(way, network)
                        for parcel, way in self._ways[number].items()
                        if way is not None
                    }
                )
        self._network, self._stale = network, {}
        return tuple(self._lots)

    @property
    def network(self) -> Network:
        """What all parcels together show, as the lots were last settled."""
        return self._network

    def _way(self, parcel: str) -> ParcelWay | None:
        number = self._stands_in.get(parcel)
        return None if number is None else self._ways[number][parcel]

    def _last(self) -> int:
        if not self._ways or len(self._ways[-1]) >= IN_LOT:
            self._ways.append({})
            self._seen.append(None)
            self._lots.append(Lot({}))
        return len(self._ways) - 1


def _differing(ways: Mapping[str, ParcelWay | None], before: Network, after: Network) -> Iterator[str]:
    """The parcels whose passages are others in another network."""
    renamed = before.names != after.names
    for parcel, way in ways.items():
        if way is not None and (renamed or unseen(way, before) != unseen(way, after)):
            yield parcel
