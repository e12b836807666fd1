"""What a customer needs of support is said in words: a line without any says nothing, and holds no lock up."""

from tests.doors.case_desk import CaseDesk


def test_a_need_without_words_is_none(desk: CaseDesk) -> None:
    told = desk.report(support_needs=["", "  ", " large print "])
    assert desk.view(told)["support_needs"] == ["large print"]
    assert desk.view(desk.report(support_needs=["", "\t"]))["support_needs"] == []


def test_a_need_is_as_long_as_the_console_takes_it_and_a_longer_one_is_refused_by_its_name(desk: CaseDesk) -> None:
    assert desk.report(support_needs=["x" * 2_000])
    refused = desk.http.post("/v1/disputes", json={"words": "No.", "support_needs": ["x" * 2_001]})
    assert refused.status_code == 422
    assert "support_needs" in refused.text
    assert "2000" in refused.text
