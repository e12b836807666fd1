"""Equipment status in the form of TS 29.511."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from api.routes.eir import build_router
from custody.kernel.errors import Rejected
from devicelock.backends.eir_list import EirEntry, ImeiStatus
from devicelock.backends.eir_status import equipment_status, read_pei
from devicelock.rules.command import Reason
from tests.contracts_backends.backend_bench import START_MS, SetClock

IMEI = "490154203237518"
NOW_S = START_MS // 1000
PATH = "/n5g-eir-eic/v1/equipment-status"


def listed(status: ImeiStatus) -> dict[str, EirEntry]:
    row = EirEntry(
        imei=IMEI,
        status=status,
        reason=Reason.NEVER_RECEIVED,
        case="lock-1",
        valid_from_s=NOW_S - 10,
        valid_until_s=NOW_S + 10,
        seq=1,
    )
    return {IMEI: row}


@pytest.mark.parametrize("status", [ImeiStatus.BLACKLISTED, ImeiStatus.GREYLISTED])
@pytest.mark.parametrize("pei", [f"imei-{IMEI}", f"imeisv-{IMEI[:14]}07", f"imei-{IMEI[:14]}0"])
def test_a_listed_handset_has_the_status_of_its_row_by_imei_spare_digit_and_imeisv(
    status: ImeiStatus, pei: str
) -> None:
    assert equipment_status(listed(status), pei, now_s=NOW_S) is status


def test_a_handset_off_the_list_or_past_its_row_is_white() -> None:
    assert equipment_status({}, f"imei-{IMEI}", now_s=NOW_S) is ImeiStatus.WHITELISTED
    assert equipment_status(listed(ImeiStatus.BLACKLISTED), f"imei-{IMEI}", now_s=NOW_S + 10) is ImeiStatus.WHITELISTED


@pytest.mark.parametrize("last", [digit for digit in "0123456789" if digit != IMEI[-1]])
def test_the_check_digit_is_no_part_of_an_imei_that_is_checked(last: str) -> None:
    """TS 23.003 section 6.2.1: it guards against mistakes of people; a handset could send any other to get by."""
    assert equipment_status(listed(ImeiStatus.BLACKLISTED), f"imei-{IMEI[:14]}{last}", now_s=NOW_S) == "BLACKLISTED"


def test_the_examples_of_the_specification_are_read() -> None:
    """TS 29.571, data type Pei, whose first example ends in another digit than Luhn's."""
    assert (read_pei("imei-012345678901234"), read_pei("imeisv-0123456789012345")) == ("012345678901237",) * 2


@pytest.mark.parametrize(
    "pei",
    [
        "",
        "imei-49015420323751",
        f"imei-{IMEI}0",
        f"imeisv-{IMEI}",
        "mac-00",
        "mac-00-00-5E-00-53",
        "eui-00-00",
        "imei-",
    ],
)
def test_a_pei_that_is_not_what_it_begins_as_is_refused(pei: str) -> None:
    with pytest.raises(Rejected):
        read_pei(pei)


def ask(**query: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(build_router(lambda: listed(ImeiStatus.BLACKLISTED), SetClock()))

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://eir") as client:
            return await client.get(PATH, params=query)

    return asyncio.run(once())


def test_the_route_answers_in_the_form_of_the_specification() -> None:
    found = ask(pei=f"imei-{IMEI}", supi="imsi-001010000000001")
    assert (found.status_code, found.json()) == (200, {"status": "BLACKLISTED"})


LONG = "a" * 63 + ".nai.5gc.mnc015.mcc234.3gppnetwork.org"


@pytest.mark.parametrize("named", [{"supi": f"nai-type0.rid678@{LONG}"}, {"gpsi": f"extid-line@{LONG}"}])
def test_a_subscriber_with_a_long_name_is_no_reason_not_to_answer(named: dict[str, str]) -> None:
    found = ask(pei=f"imei-{IMEI}", **named)
    assert (found.status_code, found.json()) == (200, {"status": "BLACKLISTED"})


MAC = "00-00-5E-00-53-00"


@pytest.mark.parametrize("pei", [f"mac-{MAC}", f"mac-{MAC}-untrusted", f"eui-{MAC}-00-00", f"mac-{MAC.lower()}"])
def test_equipment_that_has_no_imei_is_unknown_here_and_not_wrongly_asked_for(pei: str) -> None:
    answer = ask(pei=pei)
    assert (answer.status_code, answer.json()["cause"]) == (404, "ERROR_EQUIPMENT_UNKNOWN")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("pei", [IMEI, "meid-A0000000001234", "x", "imei", "IMEI-490154203237518", "a" * 300])
def test_a_pei_of_a_kind_that_we_do_not_know_is_unknown_equipment(pei: str) -> None:
    """TS 29.571 ends the pattern of Pei with any text, so that a later kind is no error of whoever asks."""
    answer = ask(pei=pei)
    assert (answer.status_code, answer.json()["cause"]) == (404, "ERROR_EQUIPMENT_UNKNOWN")


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ({"pei": ""}, "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({}, "MANDATORY_QUERY_PARAM_MISSING"),
        ({"pei": "imei-1"}, "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({"pei": f"mac-{MAC}-trusted"}, "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({"pei": f"eui-{MAC}"}, "MANDATORY_QUERY_PARAM_INCORRECT"),
        ({"pei": "imei-" + "1" * 60}, "MANDATORY_QUERY_PARAM_INCORRECT"),
    ],
)
def test_an_error_names_its_cause_as_the_core_network_expects(query: dict[str, str], cause: str) -> None:
    answer = ask(**query)
    assert (answer.status_code, answer.json()["cause"]) == (400, cause)
    assert answer.headers["content-type"] == "application/problem+json"
    (wrong,) = answer.json()["invalidParams"]
    assert wrong["param"] == "query pei", "TS 29.571, data type InvalidParam"


@pytest.mark.parametrize("query", [{"pei": f"imei-{IMEI}"}, {"pei": f"mac-{MAC}"}, {"pei": "imei-1"}, {}])
def test_no_cache_keeps_an_answer(query: dict[str, str]) -> None:
    """A handset may be blocked or free in the next second, and a cache may keep a 404 (RFC 9110 section 15.5.5)."""
    assert ask(**query).headers["cache-control"] == "no-store"
