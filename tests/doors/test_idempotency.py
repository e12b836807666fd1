"""A POST with an idempotency key is carried out once."""

from collections.abc import Iterator

import httpx
import pytest

from api.cli.instance import Instance

REPORT = {"words": "The box was empty.", "claim_type": "never_received"}


@pytest.fixture
def http(instance: Instance) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=instance.address, timeout=30) as client:
        yield client


def test_the_same_key_and_request_give_the_same_answer_and_one_case(http: httpx.Client) -> None:
    answers = [http.post("/v1/disputes", json=REPORT, headers={"Idempotency-Key": "one"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]


def test_another_request_under_the_same_key_is_a_conflict(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "two"}
    assert http.post("/v1/disputes", json=REPORT, headers=headers).status_code == 201
    other = http.post("/v1/disputes", json={**REPORT, "words": "Something else."}, headers=headers)
    assert other.status_code == 409
    assert other.json()["type"].endswith("idempotency")


def test_without_a_key_each_request_stands_for_itself(http: httpx.Client) -> None:
    first, second = (http.post("/v1/disputes", json=REPORT).json()["dispute"] for _ in range(2))
    assert first != second


def test_a_refused_request_does_not_use_up_its_key(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "three"}
    assert http.post("/v1/disputes", json={"words": ""}, headers=headers).status_code == 422
    assert http.post("/v1/disputes", json=REPORT, headers=headers).status_code == 201
