"""A body is read as it is written: nothing is turned into a truth, a number or a day that it is not."""

from collections.abc import Iterator
from datetime import date
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from api.http.body import Body
from api.routes import locks, standing_authority
from tests.doors.case_desk import CaseDesk

IS_NOT: dict[type, tuple[Any, ...]] = {
    bool: (0, 1, "no", "off", "true"),
    int: (True, "5", 5.5),
    float: (True, "0.5"),
    str: (5, True),
    date: (0, "0", "20260131", "2026-02-30", "2026-1-31", "2026-01-31T00:00:00Z"),
}


def bodies(of: type[Body] = Body) -> Iterator[type[Body]]:
    """Every kind of body."""
    for each in of.__subclasses__():
        yield each
        yield from bodies(each)


def types(annotation: Any) -> set[Any]:
    """The types that a field may have."""
    parts = get_args(annotation)
    return {annotation} if not parts else set().union(*map(types, parts))


FIELDS = [
    pytest.param(body, name, IS_NOT[kind], id=f"{body.__module__.rpartition('.')[2]}-{body.__name__}-{name}")
    for body in bodies()
    for name, field in body.model_fields.items()
    for kind in types(field.annotation) & IS_NOT.keys()
    if not types(field.annotation) - {kind, type(None)}
]


@pytest.mark.parametrize(("body", "name", "wrong"), FIELDS)
def test_no_field_takes_what_is_of_another_type(body: type[Body], name: str, wrong: tuple[Any, ...]) -> None:
    for value in wrong:
        with pytest.raises(ValidationError) as refusal:
            body.model_validate({name: value})
        assert (name,) in {error["loc"] for error in refusal.value.errors()}, value


@pytest.mark.parametrize(("body", "name"), [each.values[:2] for each in FIELDS if each.values[2] is IS_NOT[int]])
def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(body: type[Body], name: str) -> None:
    assert faults(body, {name: 5.0}) == faults(body, {name: 5})
    for not_whole in (5.5, 2.0**53, float("inf")):
        assert faults(body, {name: not_whole}) - faults(body, {name: 5}) == {name}


def faults(body: type[Body], fields: dict[str, Any]) -> set[Any]:
    """Which fields a body is refused for."""
    with pytest.raises(ValidationError) as refusal:
        body.model_validate({**fields, "unheard_of": True})
    return {error["loc"][0] for error in refusal.value.errors()}


def test_the_bodies_of_every_door_are_among_these() -> None:
    assert {standing_authority.SwitchIn, locks.LockIn, locks.DeviceIn} <= {*bodies()}
    assert len(FIELDS) > 100


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", "json", ""])
def test_json_that_calls_itself_something_else_is_told_what_to_call_itself(desk: CaseDesk, kind: str) -> None:
    """RFC 9110 section 15.5.16; it is what a command line sends that was told of no type."""
    refused = desk.http.post("/v1/disputes", content=b'{"words": "No phone."}', headers={"content-type": kind})
    assert (refused.status_code, refused.json()["type"]) == (415, "urn:weaklink:problem:media_type")
    assert refused.json()["fix"] == "Send Content-Type: application/json."


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
def test_json_by_any_of_its_names_is_read(desk: CaseDesk, kind: str) -> None:
    taken = desk.http.post("/v1/disputes", content=b'{"words": "No phone."}', headers={"content-type": kind})
    assert taken.status_code == 201


def test_what_json_calls_itself_json_and_is_no_object_is_no_matter_of_its_type(desk: CaseDesk) -> None:
    assert desk.http.post("/v1/disputes", json=["words"]).status_code == 422
