"""A pack whose files all fit each other, made anew of other parts by the operator, must still say what was signed."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from custody.investigation.verify_form import OpenedPack, open_pack
from custody.investigation.verify_verdict import Step
from custody.usecases.export_pack import PackExported
from tests.rooms.pack.pack_world import World
from tests.rooms.pack.tamper import failed_steps, told_otherwise

NOT_EXAMINED = {"stored": None, "inquiry": None}


@pytest.fixture(scope="module")
def opened(pack: PackExported) -> OpenedPack:
    return open_pack(pack.content)


def test_what_is_drawn_up_again_without_a_lie_holds(world: World, pack: PackExported) -> None:
    assert told_otherwise(world, pack.content).ok


def _lines(stored: dict[str, Any]) -> None:
    stored["lines"][0] = "Most likely the customer has it (over 99 %)."


def _possibilities(stored: dict[str, Any]) -> None:
    stored["lines"][1:] = ["Nothing else is possible."]


def _reasons(stored: dict[str, Any]) -> None:
    stored["reasons"] = [{"evidence": "courier", "words": "it has happened there before", "decibans": 40.0}]


def _checks(stored: dict[str, Any]) -> None:
    stored["checks"] = [{"title": "Look in the customer's home", "who": "the police", "minutes": 1.0}]


@pytest.mark.parametrize("change", [_lines, _possibilities, _reasons, _checks])
def test_what_the_report_says_of_the_weak_link_is_what_was_computed(
    world: World, pack: PackExported, opened: OpenedPack, change: Callable[[dict[str, Any]], None]
) -> None:
    investigation = deepcopy(dict(opened.investigation))
    change(investigation["stored"])
    verdict = told_otherwise(world, pack.content, investigation=investigation)
    assert failed_steps(verdict) == {Step.INVESTIGATION}
