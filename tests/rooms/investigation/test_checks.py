"""The next best check: gain, cost, and what a result changes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from custody.investigation.checks import (
    Check,
    after,
    entropy_bits,
    next_checks,
    usual_checks,
    with_results,
)
from custody.investigation.docket import ORIGIN, split
from custody.investigation.explain import explain
from custody.investigation.infer import judge_alone
from custody.investigation.naming import without_behaviour
from custody.investigation.passage import Dispute
from custody.investigation.result import CheckResult, Inference, Judgement

Build = Callable[..., Dispute]
BEFORE_DEPOT = ("pack", "dock", "linehaul", "hub_in", "hub_sort", "linehaul")


@pytest.fixture
def judged(dispute: Build) -> Judgement:
    return judge_alone(dispute(photos={1: True, 4: True, 6: False}))


def test_the_usual_catalogue_has_every_camera_and_every_photo_that_exists(judged: Judgement) -> None:
    keys = [check.key for check in usual_checks(judged)]
    assert [key for key in keys if key.startswith("camera")] == [f"camera-{s:02d}" for s in range(8)]
    assert [key for key in keys if key.startswith("photo")] == ["photo-01", "photo-04"]


def test_a_camera_and_a_second_look_find_what_they_are_known_to_find(judged: Judgement) -> None:
    checks = {check.key: check for check in usual_checks(judged)}
    camera, look = checks["camera-05"], checks["photo-04"]
    assert (camera.minutes, look.minutes) == (45.0, 5.0)
    seen, rest = split(camera.positive[None], judged.docket.width)
    assert seen[0, :, 5].tolist() == [0.6, 0.6, 0.6, 0.25, 0.35]
    assert set(np.delete(seen[0], 5, axis=1).ravel()) | set(rest[0]) == {0.01}
    seen, rest = split(look.positive[None], judged.docket.width)
    assert seen[0, :, 3].tolist() == [0.55, 0.55, 0.03, 0.03, 0.65]
    assert set(seen[0, :, 4:].ravel()) | set(rest[0]) == {0.03}


def test_a_check_never_costs_knowledge_and_ranks_by_bits_a_minute(judged: Judgement) -> None:
    ranked = next_checks(judged, usual_checks(judged))
    assert all(item.bits >= 0 for item in ranked)
    worth = [item.bits_per_minute for item in ranked]
    assert worth == sorted(worth, reverse=True)
    by_bits = [item.bits for item in next_checks(judged, usual_checks(judged), per_minute=False)]
    assert by_bits == sorted(by_bits, reverse=True)


def test_expected_bits_are_the_mean_of_what_results_bring(judged: Judgement) -> None:
    for item in next_checks(judged, usual_checks(judged))[:4]:
        before = entropy_bits(judged.columns)
        yes = entropy_bits(after(judged, item.check, positive=True).columns)
        no = entropy_bits(after(judged, item.check, positive=False).columns)
        assert item.bits == pytest.approx(before - item.chance * yes - (1 - item.chance) * no, abs=1e-9)


def test_a_finding_on_a_camera_moves_belief_there(judged: Judgement) -> None:
    camera = next(check for check in usual_checks(judged) if check.key == "camera-05")
    assert after(judged, camera, positive=True).columns[5] > judged.columns[5]
    assert after(judged, camera, positive=False).columns[5] < judged.columns[5]


def test_what_is_known_for_sure_needs_no_check(judged: Judgement) -> None:
    row = np.full((1, judged.docket.hypotheses), 1e-12)
    split(row, judged.docket.width)[1][0, ORIGIN] = 1.0
    stock = "Count the stock"
    proof = Check(key="stock", title=stock, own=stock, who="the packing lead", minutes=20.0, positive=row[0])
    certain = after(judged, proof, positive=True)
    assert certain.rest[ORIGIN] == pytest.approx(1.0)
    assert max(item.bits for item in next_checks(certain, usual_checks(certain))) < 1e-6


def test_two_checks_a_dispute_resolve_something(base_result: Inference) -> None:
    gained = 0.0
    for item in base_result.disputes[:15]:
        judgement = base_result.judgement(item.id)
        gained += next_checks(judgement, usual_checks(judgement))[0].bits
    assert gained / 15 > 0.03


def shown(judged: Judgement, key: str, *, found: bool) -> CheckResult:
    check = next(check for check in usual_checks(judged) if check.key == key)
    return CheckResult(check=check.key, title=check.title, found=found, own=check.own, stay=check.stay)


def shown_before(judged: Judgement, key: str, *, found: bool) -> CheckResult:
    """As it was written down when titles did not say which time was meant, nor the own key of a site."""
    check = next(check for check in usual_checks(judged, times=False) if check.key == key)
    return CheckResult(check=check.key, title=check.title, found=found)


def test_what_a_check_has_shown_counts_and_it_is_not_proposed_again(judged: Judgement) -> None:
    seen = with_results(judged, [shown(judged, "camera-05", found=True)])
    assert seen.columns[5] > judged.columns[5] + 0.1
    assert "camera-05" not in {check.key for check in usual_checks(seen)}
    assert len(usual_checks(seen)) == len(usual_checks(judged)) - 1
    assert with_results(judged, []).columns.tolist() == judged.columns.tolist()


def test_of_a_check_that_was_made_twice_the_last_result_counts_alone(judged: Judgement) -> None:
    yes, no = (shown(judged, "camera-05", found=found) for found in (True, False))
    assert with_results(judged, [yes, yes, no]).columns == pytest.approx(with_results(judged, [no]).columns)
    assert with_results(judged, [no, yes]).checked == (yes,)


def test_a_check_of_another_chain_shows_nothing_of_this_one(judged: Judgement) -> None:
    other = CheckResult(check="camera-05", title="Look at the camera footage of sorting at elsewhere", found=True)
    assert with_results(judged, [other]).columns.tolist() == judged.columns.tolist()


def test_a_check_counts_when_an_earlier_scan_has_come_meanwhile(dispute: Build) -> None:
    asked = judge_alone(dispute(steps=("dock", "linehaul", "hub_in", "hub_sort", "linehaul", "depot", "courier")))
    now = judge_alone(dispute())
    sorting = shown(asked, "camera-03", found=True)
    seen = with_results(now, [sorting])
    assert seen.checked == (sorting,)
    assert seen.columns == pytest.approx(with_results(now, [shown(now, "camera-04", found=True)]).columns)
    assert "camera-04" not in {check.key for check in usual_checks(seen)}
    again = shown(now, "camera-04", found=False)
    assert with_results(now, [sorting, again]).checked == (again,), "the last result of it"


def test_a_check_of_one_of_several_like_links_counts_by_its_number(judged: Judgement) -> None:
    first, second = (shown_before(judged, key, found=True) for key in ("camera-02", "camera-05"))
    assert first.title == second.title
    assert with_results(judged, [first]).columns[2] > judged.columns[2] + 0.1


@pytest.mark.parametrize("found", [True, False])
def test_a_check_of_one_of_several_like_links_of_another_number_may_be_of_any_of_them(
    judged: Judgement, *, found: bool
) -> None:
    moved = replace(shown_before(judged, "camera-02", found=found), check="camera-01")
    seen = with_results(judged, [moved])
    assert seen.checked == (moved,)
    up = seen.columns > judged.columns
    assert (up[2], up[5]) == (found, found)
    assert up[[1, 3]].tolist() == [not found, not found]
    assert not {"camera-02", "camera-05"} & {check.key for check in usual_checks(seen)}


def test_what_a_check_found_is_not_lost_when_late_scans_show_two_stays_where_there_was_one(dispute: Build) -> None:
    asked = judge_alone(dispute())
    now = judge_alone(dispute(steps=(*BEFORE_DEPOT, "courier", "depot", "courier", "depot", "courier")))
    seen = with_results(now, [shown(asked, "camera-06", found=True)])
    assert seen.columns[[7, 9]].min() > now.columns[[7, 9]].max()
    assert without_behaviour(seen).columns[[7, 9]].min() > without_behaviour(now).columns[[7, 9]].max()


def test_what_a_check_found_is_not_lost_when_one_stay_is_left_of_two(dispute: Build) -> None:
    asked = judge_alone(dispute(steps=(*BEFORE_DEPOT, "courier", "depot", "courier", "depot", "courier")))
    second = shown(asked, "camera-09", found=True)
    assert second.title.endswith("(the second time)")
    now = judge_alone(dispute())
    assert with_results(now, [second]).columns[6] > now.columns[6] + 0.1


def test_of_two_stays_at_one_place_a_check_says_which_time_is_meant(judged: Judgement) -> None:
    first, second = (shown(judged, key, found=True) for key in ("camera-02", "camera-05"))
    assert first.title.endswith(" (the first time)")
    assert second.title == first.title.replace("first", "second")
    for meant, at in ((first, 2), (second, 5)):
        seen = with_results(judged, [replace(meant, check="camera-01")])
        assert seen.columns[at] > judged.columns[at] + 0.1
    titles = [check.title for check in usual_checks(judged)]
    assert len(set(titles)) == len(titles)


def scanned(judged: Judgement, *indices: int) -> Judgement:
    """The same chain, of which the log has the first scan of each stay at that index."""
    segments = [replace(each, index=index) for each, index in zip(judged.dispute.segments, indices, strict=True)]
    return judge_alone(replace(judged.dispute, segments=tuple(segments)))


ROUND = ("courier", "depot")


def test_a_check_is_of_its_own_stay_though_late_scans_show_that_the_parcel_was_there_before(dispute: Build) -> None:
    asked = scanned(judge_alone(dispute(steps=(*BEFORE_DEPOT, *ROUND, "courier"))), *range(1, 10))
    check = shown(asked, "camera-08", found=True)
    assert check.title.endswith("(the second time)")
    late = judge_alone(dispute(steps=(*BEFORE_DEPOT, *ROUND, *ROUND, "courier")))
    now = scanned(late, *range(1, 7), 20, 21, 7, 8, 9)
    seen = with_results(now, [check])
    up = seen.columns > now.columns
    assert (up[10], up[8], up[6]) == (True, False, False)
    assert with_results(now, [replace(check, stay=None)]).columns[10] < seen.columns[10], "once it was another"


def test_a_check_of_a_stay_that_is_there_no_more_may_be_of_any_at_that_place(dispute: Build) -> None:
    asked = scanned(judge_alone(dispute(steps=(*BEFORE_DEPOT, *ROUND, "courier"))), *range(1, 10))
    now = scanned(asked, *range(1, 7), 16, 17, 18)
    up = with_results(now, [shown(asked, "camera-08", found=True)]).columns > now.columns
    assert (up[6], up[8]) == (True, True)


def called(judged: Judgement, names: dict[str, str]) -> Judgement:
    """The same chain where people call some sites otherwise."""
    segments = [
        replace(each, site=names[each.site], site_key=each.site) if each.site in names else each
        for each in judged.dispute.segments
    ]
    return judge_alone(replace(judged.dispute, segments=tuple(segments)))


def test_a_check_counts_though_people_call_its_site_otherwise_now(judged: Judgement) -> None:
    site = judged.dispute.segments[4].site
    before, now = called(judged, {site: "Old Street"}), called(judged, {site: "New Street"})
    asked = shown(before, "camera-04", found=True)
    assert "Old Street" in asked.title
    assert with_results(now, [asked]).columns == pytest.approx(with_results(judged, [asked]).columns)
    assert with_results(now, [asked]).checked == (asked,)
    assert "camera-04" not in {check.key for check in usual_checks(with_results(now, [asked]))}
    assert with_results(now, [replace(asked, own=None)]).checked == (), "from before it has its title alone"


def test_a_check_is_not_that_of_another_site_that_has_the_name_now(judged: Judgement) -> None:
    site = judged.dispute.segments[4].site
    asked = shown(called(judged, {site: "Old Street"}), "camera-04", found=True)
    there = tuple(replace(each, site="Old Street", site_key="another") for each in judged.dispute.segments)
    other = judge_alone(replace(judged.dispute, segments=there))
    assert asked.title in {check.title for check in usual_checks(other)}
    assert with_results(other, [asked]).checked == ()


def test_reasons_add_up_with_what_checks_have_shown(judged: Judgement) -> None:
    seen = with_results(judged, [shown(judged, "camera-05", found=True), shown(judged, "photo-04", found=False)])
    told = explain(seen, column=5)
    assert told.base + sum(reason.shapley for reason in told.reasons) == pytest.approx(told.score, abs=1e-9)
    assert told.score == pytest.approx(10 * np.log10(seen.columns[5] / (1 - seen.columns[5])), abs=1e-6)
    last = told.reasons[-1]
    assert (last.player, last.shapley > 10) == ("checks", True)
    assert [reason.player for reason in explain(judged).reasons] == [reason.player for reason in told.reasons[:-1]]


def test_what_a_camera_has_shown_is_no_behaviour(judged: Judgement) -> None:
    seen = with_results(judged, [shown(judged, "camera-05", found=True)])
    assert without_behaviour(seen).columns[5] > without_behaviour(judged).columns[5] + 0.1


def test_titles_of_checks_are_in_words(judged: Judgement) -> None:
    assert {check.key: check.title for check in usual_checks(judged)}["camera-04"] == (
        "Look at the camera footage of sorting at hub"
    )
    assert not [check.title for check in usual_checks(judged) if "_" in check.title]
