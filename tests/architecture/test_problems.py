"""A type of problem has one title, whichever error it comes as (RFC 9457 section 3.1.3)."""

from api.http.problems import problem
from api.http.titles import OF_SEVERAL_KINDS, OF_STATUSES
from custody.kernel import errors
from tests.architecture.codes import raised


def titles(code: str, kinds: set[str]) -> set[str]:
    return {problem(getattr(errors, kind)(code, "what was wrong"))["title"] for kind in kinds}


def test_every_code_can_be_made_out_where_an_error_is_made() -> None:
    kinds, unknown = raised()
    assert unknown == []
    assert len(kinds) > 200


def test_a_type_of_problem_has_one_title_whatever_kind_of_error_it_comes_as() -> None:
    several = {code: sorted(found) for code, kinds in raised()[0].items() if len(found := titles(code, kinds)) > 1}
    assert several == {}


def test_only_codes_of_several_kinds_have_titles_of_their_own() -> None:
    kinds, _ = raised()
    assert {code for code in OF_SEVERAL_KINDS if len(kinds.get(code, ())) < 2} == set()
    assert not OF_SEVERAL_KINDS.keys() & OF_STATUSES.keys()
