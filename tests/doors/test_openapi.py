"""The OpenAPI document says what the doors answer: statuses, media types, the form of errors, who has to sign in."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from api.cli.instance import Instance
from api.people.accounts import MIN_PASSWORD
from custody.disputes.case import CASE
from devicelock.rules.order import OrderState
from devicelock.rules.unlock_code import DIGITS

Document = dict[str, Any]
ABSENT = {"path": "0/000", "name": "0", "location": "0" * 64}
"""What stands in an address; any other name in one is of nothing that there is."""


@pytest.fixture(scope="module")
def http(instance: Instance) -> Iterator[httpx.Client]:
    """A client of the service."""
    with httpx.Client(base_url=instance.address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def document(http: httpx.Client) -> Document:
    """The document."""
    found: Document = http.get("/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def staff(http: httpx.Client, instance: Instance) -> dict[str, str]:
    """The header of a supervisor who has signed in."""
    body = {"account": "supervisor-1", "password": instance.accounts["supervisor-1"]}
    return {"Authorization": f"Bearer {http.post('/v1/sessions', json=body).json()['token']}"}


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def untold(document: Document, operation: dict[str, Any], answer: httpx.Response) -> str:
    """What an answer is that the document does not tell; nothing if it tells all."""
    told = operation["responses"].get(str(answer.status_code))
    if told is None:
        told = operation["responses"].get("default" if answer.is_error else "none")
    if told is None:
        return f"status {answer.status_code}"
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    contents = told.get("content", {})
    if media_type not in contents and (contents or answer.content):
        return f"{answer.status_code} as {media_type!r}, not as one of {sorted(contents)}"
    if media_type.endswith("json"):
        schema = {**contents[media_type].get("schema", {}), "components": document["components"]}
        wrong = next(iter(jsonschema_rs.validator_for(schema).iter_errors(answer.json())), None)
        return "" if wrong is None else f"{answer.status_code}: {wrong.message}"
    return ""


def test_whatever_a_door_answers_is_told(http: httpx.Client, document: Document, staff: dict[str, str]) -> None:
    wrong = []
    for method, path, operation in operations(document):
        address = path.format_map({**{each["name"]: "no-such" for each in operation.get("parameters", [])}, **ABSENT})
        kinds = operation.get("requestBody", {}).get("content", {"": {}})
        bodies = [(kind, body) for kind in (*kinds, "text/odd") for body in (b"", b"{}", b"\x80")]
        for kind, body in bodies if method != "get" else [("", b"")]:
            for headers in ({}, staff) if path != "/v1/sessions" else ({},):
                sent = {**headers, **({"Content-Type": kind} if kind else {})}
                answer = http.request(method, address, content=body, headers=sent)
                if said := untold(document, operation, answer):
                    wrong.append(f"{method.upper()} {path} {kind} {body!r}: {said}")
                assert answer.status_code < 500, f"{method.upper()} {path}: {answer.text}"
    assert wrong == []


def test_a_path_takes_the_methods_that_are_told_of_it_and_no_other(http: httpx.Client, document: Document) -> None:
    wrong = {}
    for path, methods in document["paths"].items():
        names = re.findall(r"{(.*?)}", path)
        answer = http.patch(path.format_map({**dict.fromkeys(names, "no-such"), **ABSENT}))
        assert answer.status_code == 405, path
        taken = set(answer.headers["allow"].lower().split(", ")) - {"head"}
        if taken != set(methods):
            wrong[path] = taken
    assert wrong == {}


def test_a_door_that_asks_for_a_session_says_so(http: httpx.Client, document: Document) -> None:
    asking = {(method, path) for method, path, operation in operations(document) if operation.get("security")}
    for method, path, operation in operations(document):
        address = path.format_map({each["name"]: "no-such" for each in operation.get("parameters", [])})
        refused = http.request(method, address, json={} if method != "get" else None).status_code == 401
        assert refused <= ((method, path) in asking), f"{method} {path} asks for a session"
    assert ("post", "/v1/packs") in asking
    assert document["paths"]["/log/checkpoint"]["get"]["security"] == []
    assert document["paths"]["/v1/disputes"]["post"]["security"] == [{}, {"session": []}], "a session is looked at"
    assert [path for _, path, operation in operations(document) if "security" not in operation] == []
    assert document["components"]["securitySchemes"]["session"]["scheme"] == "bearer"


def test_the_key_that_has_a_request_carried_out_once_is_told(document: Document) -> None:
    (key,) = [each for each in document["paths"]["/v1/disputes"]["post"]["parameters"] if each["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)


def test_no_error_is_told_that_no_door_gives(document: Document) -> None:
    assert [name for name in document["components"]["schemas"] if "ValidationError" in name] == []


def test_every_operation_has_a_name_of_its_own_and_stands_in_a_group_that_is_told(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len({*names}) == len(names)
    groups = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} <= groups
    assert document["info"]["license"]["identifier"] == "Apache-2.0"


CLOSED = {
    ("DisputeIn", "claim_type"): ("/v1/disputes", {"words": "It is not right."}),
    ("EventIn", "event"): ("/v1/disputes/none/events", {}),
    ("StepIn", "event"): ("/v1/investigations/none/events", {}),
    ("AccountIn", "role"): ("/v1/accounts", {"name": "new-1", "person": "new one", "password": "long enough for this"}),
    ("StationIn", "step"): ("/v1/stations", {"station": "bench-9", "site": "", "place": "", "custodian": ""}),
    ("RecognisedIn", "how"): ("/v1/disputes/none/recognised", {}),
    ("LockIn", "reason"): ("/v1/locks", {"imei": "", "imei_last4": ""}),
}


def test_what_a_text_has_to_be_is_told_as_the_doors_have_it(document: Document) -> None:
    schemas = document["components"]["schemas"]
    told = {
        (name, field): {each: said for each, said in about.items() if each in {"minLength", "format"}}
        for name, schema in schemas.items()
        for field, about in schema.get("properties", {}).items()
        if field in {"challenge", "ends_at", "new"} or (name, field) == ("AccountIn", "password")
    }
    assert len(told) == 6
    for (_, field), said in told.items():
        by_field = {"challenge": {"minLength": DIGITS}, "ends_at": {"format": "date-time"}}
        assert said == by_field.get(field, {"minLength": MIN_PASSWORD}), field


@pytest.mark.parametrize(("path", "states"), [("/v1/locks", OrderState), ("/v1/disputes", CASE.states)])
def test_the_states_that_a_list_is_asked_for_by_are_told(document: Document, path: str, states: Iterable[str]) -> None:
    (state,) = [each for each in document["paths"][path]["get"]["parameters"] if each["name"] == "state"]
    (words,) = [part["enum"] for part in state["schema"]["anyOf"] if "enum" in part]
    assert words == [str(each) for each in states]


@pytest.mark.parametrize(("schema", "field"), CLOSED)
def test_the_words_of_a_closed_list_are_told_and_a_refusal_says_the_same(
    http: httpx.Client, document: Document, instance: Instance, schema: str, field: str
) -> None:
    told = document["components"]["schemas"][schema]["properties"][field]
    (words,) = [part["enum"] for part in told.get("anyOf", [told]) if "enum" in part]
    path, others = CLOSED[schema, field]
    asker = "supervisor-1" if schema in {"AccountIn", "StationIn", "StepIn"} else "agent-1"
    signed = http.post("/v1/sessions", json={"account": asker, "password": instance.accounts[asker]}).json()
    headers = {"Authorization": f"Bearer {signed['token']}"}
    answer = http.post(path, json={**others, field: "no-such"}, headers=headers)
    assert (answer.status_code, answer.json()["fix"]) == (422, f"Use one of {', '.join(words)}.")


def test_a_field_that_may_be_left_null_is_not_told_as_one_of_some_words_alone(document: Document) -> None:
    told = {
        (name, field): about
        for name, schema in document["components"]["schemas"].items()
        for field, about in schema.get("properties", {}).items()
        if {"type": "null"} in about.get("anyOf", ())
    }
    wrong = [at for at, about in told.items() if "enum" in about and None not in about["enum"]]
    assert told
    assert wrong == []
