"""Which benchmarks are measured."""

from collections.abc import Collection, Iterator
from typing import cast

import pytest

from simulators import benchmarks
from simulators.benchmarks import Part, run
from simulators.figures import Figure, duration
from simulators.story import Story


def figure(part: Part) -> Figure:
    return duration(part, [1.0], "one", 1.0)


@pytest.mark.parametrize("only", [list(Part), [Part.LOCK], [Part.INVESTIGATE, Part.INGEST], []])
def test_only_what_is_asked_for_is_measured(monkeypatch: pytest.MonkeyPatch, only: Collection[Part]) -> None:
    played: list[object] = []

    def measure_ingest(_story: Story, _base_url: str) -> Iterator[Figure]:
        yield figure(Part.INGEST)

    def measure_locks(_story: Story, *, handsets: int) -> Iterator[Figure]:
        assert handsets == 7
        yield figure(Part.LOCK)

    monkeypatch.setattr(benchmarks, "STEPS", (("a step", played.append),))
    monkeypatch.setattr(benchmarks, "measure_ingest", measure_ingest)
    monkeypatch.setattr(benchmarks, "measure_locks", measure_locks)
    monkeypatch.setattr(benchmarks, "_trail", lambda _story: figure(Part.TRAIL))
    monkeypatch.setattr(benchmarks, "_investigation", lambda _story: figure(Part.INVESTIGATE))
    story = cast("Story", object())
    found = [each.name for each in run(story, "http://localhost", handsets=7, only=only)]
    assert found == [part for part in Part if part in only]
    assert played == [story]
