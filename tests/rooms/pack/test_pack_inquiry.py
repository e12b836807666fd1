"""A posterior can be computed again from what is written down of it, and a changed figure is seen."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custody.investigation.checks import next_checks, usual_checks, with_results
from custody.investigation.explain import explain
from custody.investigation.infer import run
from custody.investigation.naming import name, naming_rules
from custody.investigation.pack.earlier import SECOND
from custody.investigation.pack.inquiry import FORMAT, check_inquiry, read_inquiry, rejudge, same, write_inquiry
from custody.investigation.pack.json_form import plain, read_json, write_json
from custody.investigation.passage import (
    NO_HISTORY,
    Checkpoint,
    Complaint,
    Dispute,
    Fleet,
    HandlerTraffic,
    Passes,
    Pin,
    SealSeen,
    Segment,
    Step,
)
from custody.investigation.result import CheckResult, Inference, Judgement
from custody.investigation.wording import state
from custody.kernel.clock import HOUR_MS
from custody.kernel.errors import Rejected

SITES = {"pack": "w-1", "dock": "w-1", "linehaul": "lh-1", "hub_in": "hub-1", "hub_sort": "hub-1", "depot": "d-1"}


def dispute(number: int, *, complaint: Complaint = Complaint.WRONG_ITEM, missed: int | None = None) -> Dispute:
    steps = [*SITES, "courier"]
    segments = tuple(
        Segment(
            step=Step(step),
            site=SITES.get(step, "d-1"),
            shift=place % 3,
            handler=None if place == missed else f"h-{step}-{number % 2}",
            roster=("h-hub_in-0", "h-hub_in-1") if place == missed else (),
        )
        for place, step in enumerate(steps)
    )
    return Dispute(
        id=f"case-{number:02d}",
        high_value=True,
        start_ms=1_778_000_000_000 + number * HOUR_MS,
        segments=segments,
        checkpoints=tuple(
            Checkpoint(
                scan_ms=None if place == missed else 1_778_000_000_000 + (number + 4 * place) * HOUR_MS,
                photo=place % 2 == 0,
                seal=SealSeen.ANOMALY if place > 4 else SealSeen.OK,
                mass_g=541.5 if place in {0, 4} else None,
            )
            for place in range(len(steps) + 1)
        ),
        declared_mass_g=540,
        item_mass_g=190,
        pin=Pin.ABSENT if number % 3 else Pin.VERIFIED,
        complaint=complaint,
        customer_region="north",
        attach_ms=1_778_000_000_000 + 90 * HOUR_MS if number % 2 else None,
        attach_region="south" if number % 2 else None,
        recovered_site="hub-1" if number == 4 else None,
    )


DISPUTES = [dispute(number, missed=3 if number == 1 else None) for number in range(8)]
FLEET = Fleet(
    parcels=9_000,
    high_value_parcels=4_000.0,
    parcels_without_pin=1_500.0,
    handlers={
        f"h-{step}-{number}": HandlerTraffic(
            site=SITES.get(step, "d-1"), step=Step(step), high_value=(300.0, 310.0, 290.5)
        )
        for step in [*SITES, "courier"]
        for number in range(2)
    },
    site_shifts={(site, shift): 900.0 for site in sorted(set(SITES.values())) for shift in range(3)},
    site_steps={
        (SITES.get(step, "d-1"), Step(step)): Passes(all=9_000.0, high_value=4_000.0) for step in [*SITES, "courier"]
    },
    routes={"h-courier-0": 4_000.0, "h-courier-1": 5_000.0},
    regions={"w-1": None, "lh-1": None, "hub-1": "south", "d-1": "north", "unused": "east"},
    missed_scan={"h-hub_in-0": 0.04, "h-hub_in-1": 0.11},
    dwell_offset={("hub-1", 1): 0.15, ("d-1", 2): -0.1},
    scale_g={("hub-1", Step.HUB_SORT): 12.0},
    seal={("hub-1", Step.HUB_SORT): 0.2},
    photo={("hub-1", Step.HUB_SORT): 0.06, ("d-1", Step.COURIER): 0.9},
)


SORTING = CheckResult(check="camera-04", title="Look at the camera footage of sorting at hub-1", found=True)
EARLIER = Path(__file__).parent / "inquiry_of_format_1.json"


@pytest.fixture(scope="module", params=["history", "no history"])
def result(request: pytest.FixtureRequest) -> Inference:
    return run(FLEET if request.param == "history" else NO_HISTORY, DISPUTES)


def written(result: Inference, number: int, *, checked: tuple[CheckResult, ...] = ()) -> dict[str, Any]:
    return written_of(with_results(result.judgement(f"case-{number:02d}"), checked), result)


def written_of(judgement: Judgement, result: Inference) -> dict[str, Any]:
    naming = name(judgement, naming_rules(result))
    explanation = explain(judgement)
    checks = next_checks(judgement, usual_checks(judgement, footage_expires_ms={1: 5, 4: 6}))[:4]
    value = write_inquiry(
        judgement,
        naming=naming,
        explanation=explanation,
        statement=state(judgement, naming, explanation=explanation, checks=checks),
        checks=checks,
        ran_ms=1,
    )
    return json.loads(write_json(value))  # type: ignore[no-any-return]  # a JSON object


@pytest.mark.parametrize("number", range(8))
def test_every_part_of_an_answer_comes_out_the_same_when_computed_again(result: Inference, number: int) -> None:
    parts = list(check_inquiry(read_inquiry(written(result, number))))
    assert [part.what for part in parts if not part.ok] == []
    assert len(parts) == 7


def test_the_chain_alone_gives_the_very_figures_of_the_whole_run(result: Inference) -> None:
    inquiry = read_inquiry(written(result, 1))
    judgement = result.judgement("case-01")
    assert rejudge(inquiry.inputs).columns == pytest.approx(judgement.columns, abs=1e-12)


def test_the_numbers_of_other_disputes_do_not_go_along(result: Inference) -> None:
    alone = json.dumps(written(result, 1))
    assert "case-02" not in alone
    assert "h-depot-0" not in alone, "somebody who never held this parcel"


@pytest.mark.parametrize(
    "path",
    [
        ("answer", "table", 3, 1),
        ("answer", "kinds", "lost"),
        ("answer", "parties", "hub"),
        ("answer", "reasons", "reasons", 2, "shapley"),
        ("answer", "checks", 0, "bits"),
        ("answer", "naming", "theft"),
        ("answer", "naming", "segment"),
        ("inputs", "history", "hazard", 2),
        ("inputs", "history", "area"),
        ("inputs", "history", "disputes"),
        ("inputs", "params", "mispick"),
        ("inputs", "history", "cold_hazard", 1),
        ("inputs", "dispute", "checkpoints", 2, "scan_ms"),
        ("inputs", "checked", 0, "found"),
    ],
)
def test_a_figure_that_was_changed_is_seen(path: tuple[str | int, ...]) -> None:
    value = written(run(FLEET, DISPUTES), 1, checked=(SORTING,))
    *way, last = path
    part: Any = value
    for step in way:
        part = part[step]
    part[last] = not part[last] if part[last] in (True, False) else 1 if part[last] is None else part[last] * 3 + 1
    try:
        assert not all(part.ok for part in check_inquiry(read_inquiry(value)))
    except Rejected:
        return


def test_figures_are_the_same_within_a_tolerance_and_words_exactly() -> None:
    assert same({"a": [1.0, "x", True, None]}, {"a": [1.0 + 1e-9, "x", True, None]})
    for other in ({"a": [1.1, "x", True, None]}, {"a": [1.0, "y", True, None]}, {"a": [1.0, "x", 1, None]}, {}, []):
        assert not same({"a": [1.0, "x", True, None]}, other)
    assert not same(float("nan"), float("nan"))


def test_a_place_for_a_whole_run_is_read_over_while_nothing_stands_in_it(result: Inference) -> None:
    value = written(result, 0)
    assert read_inquiry({**value, "whole": None}) == read_inquiry(value)
    with pytest.raises(Rejected):
        read_inquiry({**value, "whole": {"disputes": []}})


@pytest.mark.parametrize("form", [FORMAT, SECOND])
def test_a_wild_weighing_counts_in_the_answers_of_earlier_formats_alone(form: str) -> None:
    asked = DISPUTES[2]
    points = (*asked.checkpoints[:3], replace(asked.checkpoints[3], mass_g=3e9), *asked.checkpoints[4:])
    result = run(FLEET, [replace(asked, checkpoints=points), *(other for other in DISPUTES if other is not asked)])
    now = written(result, 2)
    before = written_of(rejudge(read_inquiry(now).inputs, wild=True), result)
    for value, ok in ((now, form == FORMAT), (before, form != FORMAT)):
        inquiry = replace(read_inquiry(value), format=form)
        assert all(part.ok for part in check_inquiry(inquiry)) == ok


def test_an_inquiry_of_another_form_is_refused(result: Inference) -> None:
    value = written(result, 0)
    for wrong in (None, [], {}, {**value, "more": 1}, {**value, "format": "x"}, {**value, "inputs": {}}):
        with pytest.raises(Rejected):
            read_inquiry(wrong)
    short = read_inquiry(value)
    history = replace(short.inputs.history, hazard=short.inputs.history.hazard[:-1])
    with pytest.raises(Rejected):
        rejudge(replace(short.inputs, history=history))
    low = replace(short.inputs.history, hazard=tuple(figure / 2 for figure in short.inputs.history.hazard))
    with pytest.raises(Rejected):
        rejudge(replace(short.inputs, history=low))


def test_what_checks_have_shown_is_computed_again(result: Inference) -> None:
    value = written(result, 2, checked=(SORTING,))
    assert value["inputs"]["checked"] == [plain(SORTING)]
    assert [part.what for part in check_inquiry(read_inquiry(value)) if not part.ok] == []
    assert value["answer"]["table"] != written(result, 2)["answer"]["table"]


def test_an_answer_of_the_earlier_format_still_verifies() -> None:
    value = read_json(EARLIER.read_bytes(), where=EARLIER.name)
    assert [part.what for part in check_inquiry(read_inquiry(value)) if not part.ok] == []
    forged = {**value, "inputs": {**value["inputs"], "checked": [plain(SORTING)]}}
    with pytest.raises(Rejected, match="has not"):
        read_inquiry(forged)
    assert "hub_sort" in json.dumps(value["answer"]["checks"]), "titles were codes"
