"""Who may lock, in whatever order people act: with every rule asked nothing breaks, and without each of them something.

The counts are measured on these rules and asserted, so that a rule that changes shows here even where nothing breaks.
"""

import pytest

from devicelock.rules.caps import Caps
from tests.rooms.devicelock.people_model import Asked, Explored, Model, World

EVERYTHING = frozenset({"ask", "policy", "switch", "leave", "gone"})
LOCKING = frozenset({"ask", "clear"})


def explored(asked: Asked, *, gone_as: str = "retired") -> Explored:
    """One handset, and everything that three accounts can do."""
    model = Model(asked, handsets=1, caps=Caps(), gone_as=gone_as, acts=EVERYTHING)
    return model.explore(World(orders=(None,)))


def two_handsets(asked: Asked, caps: Caps) -> Explored:
    """Two handsets under a standing authority that A proposed and B put in force."""
    model = Model(asked, handsets=2, caps=caps, gone_as="retired", acts=LOCKING)
    return model.explore(World(orders=(None, None), policy=("A", "B")))


@pytest.mark.parametrize("gone_as", ["retired", "confirmed", "left"])
def test_with_every_rule_asked_two_people_lock_and_one_releases_whatever_happens(gone_as: str) -> None:
    seen = explored(Asked(), gone_as=gone_as)
    assert seen.found == {}
    assert seen.worlds == 5_632


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Asked(two_people=False), {"6": ("A asks 0", "A approves 0"), "8": ("A stops", "A starts")}),
        (Asked(line=False), {"6": ("A asks 0", "P approves 0"), "8": ("A stops", "P starts")}),
        (
            Asked(again=False),
            {
                "6": ("A asks 0", "B approves 0", "A leaves", "hello 0"),
                "7": ("A asks 0", "B approves 0", "retired 0", "hello 0"),
                "8": ("A asks 0", "B approves 0", "A stops", "hello 0"),
            },
        ),
        (Asked(handset=False), {"7": ("retired 0", "A asks 0", "B approves 0")}),
        (Asked(switch=False), {"8": ("A asks 0", "A stops", "B approves 0")}),
    ],
)
def test_each_rule_that_is_not_asked_breaks_its_promise(asked: Asked, found: dict[str, tuple[str, ...]]) -> None:
    assert explored(asked).found == found


@pytest.mark.parametrize("caps", [Caps(canary=1), Caps(per_hour=1)])
def test_no_lock_goes_past_a_cap_or_past_a_canary_that_nobody_else_has_cleared(caps: Caps) -> None:
    assert two_handsets(Asked(), caps).found == {}
    assert two_handsets(Asked(caps=False), caps).found == {"8": ("dispute 0", "dispute 1")}


def test_a_puppet_clears_no_group_of_its_maker() -> None:
    assert "8" in two_handsets(Asked(line=False), Caps(canary=1)).found
