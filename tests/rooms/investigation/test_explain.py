"""Reasons add up, and are said in both directions."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custody.investigation.explain import HISTORY, explain, words
from custody.investigation.infer import judge_alone
from custody.investigation.likelihood import DECIBAN
from custody.investigation.passage import Dispute
from custody.investigation.result import Inference


def test_base_and_shapley_values_add_up_to_the_score(base_result: Inference) -> None:
    for dispute in base_result.disputes[:60]:
        judged = base_result.judgement(dispute.id)
        reasons = explain(judged)
        assert reasons.base + sum(item.shapley for item in reasons.reasons) == pytest.approx(reasons.score, abs=1e-9)


def test_the_score_is_the_log_odds_of_the_leading_answer(base_result: Inference) -> None:
    for dispute in base_result.disputes[:60]:
        judged = base_result.judgement(dispute.id)
        chance = float(judged.columns.max())
        odds = 10 ** (explain(judged).score / 10)
        assert odds / (1 + odds) == pytest.approx(chance, abs=1e-9)


def test_reasons_explain_the_answer_where_a_mass_was_declared_in_milligrams(dispute: Callable[..., Dispute]) -> None:
    plain = dispute(declared_mass_g=5_000_000.0)
    weighed = tuple(replace(point, mass_g=5_000.0) for point in plain.checkpoints[:2])
    judged = judge_alone(replace(plain, checkpoints=(*weighed, *plain.checkpoints[2:])))
    odds = 10 ** (explain(judged).score / 10)
    assert odds / (1 + odds) == pytest.approx(float(judged.columns.max()), abs=1e-4)


def test_leave_one_out_is_the_answer_without_that_evidence(base_result: Inference) -> None:
    judged = base_result.judgement(base_result.disputes[0].id)
    reasons = explain(judged)
    without = explain(judged.rejudged(hazard=judged.cold_hazard), column=reasons.column)
    assert reasons.reasons[HISTORY].leave_one_out == pytest.approx(reasons.score - without.score, abs=1e-9)


def test_evidence_that_is_not_there_contributes_nothing(dispute: object) -> None:
    judged = judge_alone(dispute(attach_watched=False))  # type: ignore[operator] # a fixture that builds disputes
    by_name = {item.player: item for item in explain(judged).reasons}
    assert by_name["weight"].shapley == pytest.approx(0.0, abs=1e-9)
    assert by_name["fleet history"].shapley == pytest.approx(0.0, abs=1e-9)
    assert by_name["seal"].leave_one_out == pytest.approx(0.0, abs=1e-9)


def test_history_that_carries_the_answer_is_said(base_result: Inference) -> None:
    carried = [explain(base_result.judgement(item.id)) for item in base_result.disputes]
    assert any(item.history_carries for item in carried)
    assert not all(item.history_carries for item in carried)
    for item in carried:
        if item.history_carries:
            assert item.reasons[HISTORY].shapley > 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (2.9, "says little"),
        (-2.9, "says little"),
        (3.0, "supports"),
        (10.0, "supports strongly"),
        (20.1, "supports very strongly"),
        (-12.0, "speaks against strongly"),
    ],
)
def test_sizes_have_words(size: float, text: str) -> None:
    assert words(size) == text


def test_a_deciban_is_a_tenth_of_a_factor_of_ten() -> None:
    assert pytest.approx(2.302585, abs=1e-6) == 10 * DECIBAN
