"""Customers and staff move the reports of one order, and the locks of its handset, all at the same moment.

On PostgreSQL they overlap. None of them waits for somebody who waits for them: who holds rows holds them in one order
for everybody, which the fixture of all stories watches, and nobody is told to try again.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from custody.disputes.civil import civil_date
from custody.gs1.imei import imei_urn
from custody.kernel.system_clock import SystemClock
from tests.doors.case_desk import OURS, CaseDesk
from tests.servers.postgres import PostgresServer
from tests.stories.http_service import running_service

IMEIS = ("356938035643809", "351756051523993", "351756051524009")
STAFF = ("agent-1", "agent-2", "supervisor-1", "supervisor-2")
KINDS = ("never_received", "substituted", "damaged")
HANDS, MOVES = 8, 12

Say = tuple[str, Mapping[str, Any]]
"""Where something is posted, and what."""


def by_customers(token: str, dice: random.Random) -> Sequence[Say]:
    """What whoever has a customer's link may say."""
    words: Mapping[str, Mapping[str, Any]] = {
        "choose": {"remedy": dice.choice(("replacement", "refund"))},
        "kind": {"claim_type": dice.choice(KINDS)},
        "told": {"what": "a new phone", "by_whom": "the shop"},
        "people": {"holder": "Åsa Price", "user": "Bo Price"},
        **{word: {} for word in ("found", "confirm", "withdraw", "disagree")},
    }
    return [(f"/v1/customer/{token}/{word}", body) for word, body in words.items()]


def by_staff(case: str, other: str, dice: random.Random) -> Sequence[Say]:
    """Moves of staff in a case."""
    day = civil_date(SystemClock().now_ms()) - timedelta(days=3)
    moves: Mapping[str, Mapping[str, Any]] = {
        "classify": {"claim_type": dice.choice(KINDS)},
        "whereabouts": {"whereabouts": {"missing_from_custody": dice.random() < 0.5}},
        "order_days": {"order_days": {"delivered": day.isoformat()}, "reference": "R-1"},
        "needs": {"has_working_phone": False},
        "people": {"people": {"user": "Bo Price", "user_has_it": dice.random() < 0.5}},
        "told": {"what": "money back", "by_whom": "the shop", "amount_pence": 5_000},
        "delivered_or_paid": {"reference": "JJD1"},
        "exception": {"asked_for": "a voucher", "gap": "no rule gives it"},
        "decision": {"text": "Pay it back.", "award_pence": 10_000, "reference": "D-1"},
        "merge": {"into": other, "consent": True},
        "reopen": {},
    }
    return [
        *((f"/v1/disputes/{case}/events", {"event": event, **body}) for event, body in moves.items()),
        (f"/v1/disputes/{case}/recognised", {"how": "order_and_postcode"}),
        ("/v1/erasures", {"target": case, "reason": "retention over"}),
    ]


def of_locks(imei: str, device: str, order: str) -> Sequence[Say]:
    """What staff do to the locks of a handset, and whoever holds it says."""
    ends = civil_date(SystemClock().now_ms()) + timedelta(days=9)
    return [
        ("/v1/locks", {"imei": imei, "imei_last4": imei[-4:], "reason": "never_received"}),
        *((f"/v1/locks/{order}/{step}", {}) for step in ("approve", "confirm", "release")),
        (f"/v1/locks/{order}/refuse", {"why": "It is with its customer."}),
        (f"/v1/devices/{device}/received", {}),
        (f"/v1/devices/{device}/leave", {"ends_at": f"{ends}T00:00:00Z"}),
        ("/v1/holders", {"reference": order, "words": "I bought it."}),
    ]


@pytest.fixture(scope="module")
def crowd(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseDesk]:
    """Lend the real application on PostgreSQL, in which disputed deliveries lock."""
    with (
        postgres_server.database() as url,
        running_service(tmp_path_factory.mktemp("crowd") / "data", database_url=url) as house,
        httpx.Client(base_url=house.address, timeout=60, headers=OURS) as http,
    ):
        proposal = house.staff["supervisor-1"].client.post("/v1/authority")["proposal"]
        house.staff["supervisor-2"].client.post(f"/v1/authority/{proposal}/approve")
        yield CaseDesk(house=house, http=http)


@pytest.mark.postgres
@pytest.mark.parametrize("imei", IMEIS)
def test_nobody_who_moves_a_report_of_an_order_is_told_to_try_again(crowd: CaseDesk, imei: str) -> None:
    order = f"SO-{imei}"
    sold = {"order": order, "imei": imei, "price_pence": 60_000}
    assert crowd.http.post("/v1/orders", json=sold, headers=crowd.by("agent-1")).is_success
    device = crowd.register(imei, seed=IMEIS.index(imei))
    told = [crowd.report(order=order, claim_type=kind) for kind in KINDS]
    locks = crowd.http.get("/v1/locks", headers=crowd.by("agent-1")).json()["locks"]
    orders = [row["order"] for row in locks if row["imei"] == imei_urn(imei)]

    def hand(seed: int) -> Counter[int]:
        dice = random.Random(f"{imei}/{seed}")  # noqa: S311 - the same test, the same moves
        answers = Counter[int]()
        with httpx.Client(base_url=crowd.house.address, timeout=60, headers=OURS) as http:
            for _ in range(MOVES):
                mine, other = dice.sample(told, 2)
                groups = (
                    by_customers(mine["customer_token"], dice),
                    by_staff(mine["dispute"], other["dispute"], dice),
                    of_locks(imei, device, dice.choice(orders)),
                )
                path, body = dice.choice(dice.choice(groups))
                headers = {} if path.startswith("/v1/customer") else crowd.by(dice.choice(STAFF))
                answers[http.post(path, json=body, headers=headers).status_code] += 1
        return answers

    with ThreadPoolExecutor(HANDS) as hands:
        answers = sum(hands.map(hand, range(HANDS)), Counter[int]())
    assert sum(answers.values()) == HANDS * MOVES
    assert not [status for status in answers if status >= 500], answers
    assert answers[200] + answers[201] + answers[202] > HANDS * MOVES // 4, answers
    crowd.house.audit()
