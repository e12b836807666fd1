"""Which benchmarks are measured."""

from collections.abc import Callable, Collection, Iterator
from typing import cast

import pytest
from sqlalchemy import Engine

from simulators import benchmarks
from simulators.benchmarks import Part, run
from simulators.figures import Figure, duration
from simulators.story import Story


def figure(part: Part) -> Figure:
    return duration(part, [1.0], "one", 1.0)


@pytest.mark.parametrize("only", [list(Part), [Part.LOCK], [Part.INVESTIGATE, Part.INGEST], [Part.STORED], []])
def test_only_what_is_asked_for_is_measured(monkeypatch: pytest.MonkeyPatch, only: Collection[Part]) -> None:
    played: list[object] = []

    def measure_ingest(_story: Story, _loads: object, _engine: Engine) -> Iterator[Figure]:
        yield figure(Part.INGEST)

    def measure_stored(
        _loads: object, _engine: Engine, *, stored: int, fill: Callable[[int, int], None]
    ) -> Iterator[Figure]:
        fill(0, stored)
        yield figure(Part.STORED)

    def measure_locks(_story: Story, *, handsets: int) -> Iterator[Figure]:
        assert handsets == 7
        yield figure(Part.LOCK)

    monkeypatch.setattr(benchmarks, "STEPS", (("a step", played.append),))
    monkeypatch.setattr(benchmarks, "Loads", lambda _story, _base_url: object())
    monkeypatch.setattr(benchmarks, "measure_ingest", measure_ingest)
    monkeypatch.setattr(benchmarks, "measure_stored", measure_stored)
    monkeypatch.setattr(benchmarks, "measure_locks", measure_locks)
    monkeypatch.setattr(benchmarks, "_trail", lambda _story, _engine: [figure(Part.TRAIL)])
    monkeypatch.setattr(benchmarks, "_investigation", lambda _story: figure(Part.INVESTIGATE))
    story = cast("Story", object())
    filled: list[tuple[int, int]] = []
    engine = cast("Engine", object())
    ran = run(
        story,
        "http://localhost",
        handsets=7,
        engine=engine,
        only=only,
        stored=9,
        fill=lambda first, end: filled.append((first, end)),
    )
    assert [each.name for each in ran] == [part for part in Part if part in only]
    assert filled == [(0, 9)] * (Part.STORED in only)
    assert played == [story]
