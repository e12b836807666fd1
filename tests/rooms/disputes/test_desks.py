"""No directory of desks sends a customer where they are not taken, or round in a circle."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.disputes.claim import ClaimType
from custody.disputes.desks import CUSTOMERS, DESKS, Directory, read_desks
from custody.disputes.order import Standing
from custody.kernel.errors import NotFound, Rejected

KINDS = (None, *map(str, ClaimType))
STANDINGS = (None, *Standing)
EVERYBODY = sorted(CUSTOMERS)


def row(desk: str, *refers_to: str, kinds: Any = "any", customers: Any = EVERYBODY) -> dict[str, Any]:
    return {"desk": desk, "says": desk, "kinds": kinds, "customers": customers, "refers_to": list(refers_to)}


def load(*rows: Any) -> Directory:
    return read_desks(json.dumps(rows).encode(), where="our.json")


def ways(directory: Directory, kind: str | None, standing: Standing | None) -> Iterator[tuple[str, ...]]:
    """Every way that a case can go, from the first desk on, each as far as it goes."""
    going: list[tuple[str, ...]] = [(directory.front.desk,)]
    while going:
        way = going.pop()
        onward = directory.onward(way[-1], kind, standing)
        going += [(*way, desk.desk) for desk in onward]
        if not onward:
            yield way


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_whoever_it_is_and_whatever_it_is_every_desk_on_every_way_takes_it_and_none_comes_twice(
    kind: str | None, standing: Standing | None
) -> None:
    for way in ways(DESKS, kind, standing):
        assert len(set(way)) == len(way)
        assert all(DESKS.at(name).takes(kind, standing) for name in way)


@pytest.mark.parametrize("standing", STANDINGS)
def test_former_customers_and_those_whom_nobody_knows_are_referred_as_everybody_is(standing: Standing | None) -> None:
    for desk in DESKS.desks:
        for kind in KINDS:
            assert DESKS.onward(desk.desk, kind, standing) == DESKS.onward(desk.desk, kind, Standing.EXISTING)


def test_a_case_is_referred_only_to_a_desk_that_takes_its_kind() -> None:
    assert DESKS.target("front", "returns", "returned_not_credited", Standing.FORMER).desk == "returns"
    with pytest.raises(Rejected, match="does not refer such a case to 'returns'") as refused:
        DESKS.target("", "returns", "defective", None)
    assert refused.value.facts["desks"] == ("repairs", "care")
    with pytest.raises(Rejected, match="'care' does not refer"):
        DESKS.target("care", "front", None, None)
    with pytest.raises(NotFound, match="no desk 'billing'"):
        DESKS.target("front", "billing", None, None)
    assert DESKS.at("a desk of before") is DESKS.front


WRONG = {
    "catch-22": (
        [row("front", "line"), row("line", customers=["new", "existing", "unknown"])],
        "our.json: desk 'front': it refers to 'line', which turns away customers who are former",
    ),
    "a circle": (
        [row("front", "shop"), row("shop", "line"), row("line", "shop")],
        "our.json: desk 'line': a case comes round: shop > line > shop",
    ),
    "itself": ([row("front", "front")], "desk 'front': a case comes round: front > front"),
    "nobody there": ([row("front", "bills")], "desk 'front': it refers to 'bills', which is no desk"),
    "no way to it": ([row("front"), row("bills")], "desk 'bills': no desk refers to it"),
    "a gate": ([row("front", customers=["existing"])], "does not take every kind and every customer"),
    "a narrow front": ([row("front", kinds=["defective"])], "does not take every kind and every customer"),
    "no kind": (
        [row("front", "a"), row("a", "b", kinds=["defective"]), row("b", kinds=["misdelivered"])],
        "desk 'a': it refers to 'b', which takes no kind of case of it",
    ),
    "two of a name": ([row("front", "a"), row("a"), row("a")], "two desks have one name"),
    "no desk": ([], "there is no desk"),
    "a number to dial": ([{**row("front"), "phone": "0900 1"}], "our.json, row 1: a desk has exactly the fields"),
    "an unknown kind": ([row("front"), row("a", kinds=["lost"])], "our.json, row 2: kinds: 'lost' is none of"),
    "an unknown customer": ([row("front", customers=["good"])], "row 1: customers: 'good' is none of"),
    "twice": ([row("front", "a", "a"), row("a")], "row 1: refers_to says a word twice"),
    "no list": ([{**row("front"), "refers_to": "care"}], "row 1: refers_to is no list of words"),
    "no name": ([row(" ")], "row 1: desk is no text"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_directory_that_turns_somebody_away_or_sends_them_round_does_not_load_and_says_where(case: str) -> None:
    rows, says = WRONG[case]
    with pytest.raises(Rejected) as refused:
        load(*rows)
    assert refused.value.code == "desks"
    assert says in refused.value.detail


@pytest.mark.parametrize("written", [b"{", b"\xff", b"{}", b'"front"'])
def test_what_is_no_list_of_desks_does_not_load_either(written: bytes) -> None:
    with pytest.raises(Rejected, match=r"our\.json"):
        read_desks(written, where="our.json")


NAMES = ("front", "a", "b", "c")
SOME_DESKS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), unique=True, max_size=3),
        st.just("any") | st.lists(st.sampled_from(["defective", "misdelivered"]), unique=True, min_size=1),
        st.just(EVERYBODY) | st.lists(st.sampled_from(EVERYBODY), unique=True, min_size=1),
    ),
    min_size=1,
    max_size=4,
)


@given(SOME_DESKS)
def test_in_whatever_directory_loads_nobody_is_turned_away_or_comes_round(made: list[Any]) -> None:
    rows = [row(name, *to, kinds=kinds, customers=who) for name, (to, kinds, who) in zip(NAMES, made, strict=False)]
    try:
        directory = load(*rows)
    except Rejected:
        return
    for standing in STANDINGS:
        assert directory.front.takes(None, standing)
        for sender in directory.desks:
            assert all((standing or "unknown") in directory.at(name).customers for name in sender.refers_to)
        for kind in (None, "defective", "misdelivered"):
            assert all(len(set(way)) == len(way) for way in ways(directory, kind, standing))
