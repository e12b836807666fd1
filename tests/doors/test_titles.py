"""The title of a refusal tells which kind it is: where its status is one of its own, so is its title."""

import pytest

from api.http.problems import BY_CODE, problem, status_of
from api.http.titles import OF_KINDS, title_of
from custody.kernel.errors import Rejected
from tests.doors.case_desk import CaseDesk


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_a_status_of_its_own_has_a_title_of_its_own(code: str) -> None:
    refusal = Rejected(code, "what was wrong", fix="What to do.")
    assert problem(refusal)["title"] == title_of(refusal) != OF_KINDS[Rejected]
    assert status_of(refusal) == BY_CODE[code]


def test_whoever_is_not_signed_in_or_asks_too_often_is_not_told_that_the_request_is_wrong(desk: CaseDesk) -> None:
    stranger = desk.http.get("/v1/me")
    assert (stranger.status_code, stranger.json()["title"]) == (401, "Nobody is signed in")
    wrong = {"order": "SO-NONE", "code": "wrong"}
    tries = [desk.http.post("/v1/receipts", json=wrong) for _ in range(12)]
    assert (tries[-1].status_code, tries[-1].json()["title"]) == (429, "Too often at once")
