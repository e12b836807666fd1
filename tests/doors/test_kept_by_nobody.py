"""What a door answers without a word about caches is kept by none of them."""

import pytest

from tests.doors.case_desk import CaseDesk


@pytest.mark.parametrize("path", ["/v1/customer/{link}", "/v1/disputes", "/v1/log", "/v1/me"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_says_nothing_of_caches_is_kept_by_none(desk: CaseDesk, method: str, path: str) -> None:
    address = path.format(link=desk.report()["customer_token"])
    answer = desk.http.request(method, address, headers=desk.by("supervisor-1"))
    assert (answer.status_code, answer.headers.get_list("cache-control")) == (200, ["no-store"])


def test_a_session_is_kept_by_no_cache_and_the_files_of_the_log_are_kept_as_they_say(desk: CaseDesk) -> None:
    refused = desk.http.post("/v1/sessions", json={"account": "nobody", "password": "x"})
    assert refused.headers.get_list("cache-control") == ["no-store"]
    assert desk.http.post("/v1/disputes", json={"words": "x"}).headers.get_list("cache-control") == ["no-store"]
    (said,) = desk.http.get("/log/checkpoint").headers.get_list("cache-control")
    assert "max-age" in said
