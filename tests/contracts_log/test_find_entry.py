"""An accepted statement is found at its location whenever it is asked for, also while it goes into the log."""

from types import SimpleNamespace

import pytest
from fastapi import Request
from starlette.responses import Response

from api.routes import scrapi
from custody.scans.tolerances import Tolerances
from custody.store import registration_book
from custody.usecases.register_later import accept, settle
from tests.contracts_log.small_house import enrol_bench, opened_house
from tests.world_parts import key


@pytest.mark.parametrize("meanwhile", [True, False])
def test_a_statement_that_is_registered_between_two_looks_is_found(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, *, meanwhile: bool
) -> None:
    house = opened_house(sqlite_url)
    digest = accept(house, enrol_bench(house).sign(house)[0])
    of_digest = registration_book.of_digest
    receipt = scrapi._receipt

    def look(*given: object) -> Response:
        try:
            return receipt(*given)  # type: ignore[arg-type]  # only handed on
        finally:
            if meanwhile:
                settle(house, Tolerances())

    def look_at_row(*given: object) -> object:
        row = of_digest(*given)  # type: ignore[arg-type]  # only handed on
        if meanwhile:
            settle(house, Tolerances())
        return row

    monkeypatch.setattr(scrapi, "_receipt", look)
    monkeypatch.setattr(registration_book, "of_digest", look_at_row)
    settings = SimpleNamespace(public_url="https://log.example")
    parts = SimpleNamespace(house=house, keyring=SimpleNamespace(log=key("log")), settings=settings)
    answer = scrapi._find(Request({"type": "http"}), parts, digest)  # type: ignore[arg-type]  # all that it asks of them
    assert answer.status_code == (200 if meanwhile else 204)
