"""The register of known defects: models of which enough orders were reported as defective, by reports and sales."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from custody.disputes import civil
from custody.disputes.case import WITHDRAWN
from custody.disputes.claim import ClaimType
from custody.disputes.known_defect import is_known, model_of, span_ms
from custody.disputes.line import LineKind
from custody.disputes.overturned import A_DECLINE, UNDOES_A_DECLINE
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.kernel.clock import Instant
from custody.store.case_book import CaseFile
from custody.store.tables import DisputeEventRow, DisputeRow, SaleRow

UP_AGAIN: frozenset[LineKind] = UNDOES_A_DECLINE | {"reopened"}
"""Lines of a timeline after which a declined report counts again; one that is opened again is looked at anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDefect:
    """A model with a known defect: how many orders of it were reported, the first and the last time."""

    product: str
    orders: int
    first_ms: Instant
    last_ms: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    product: str
    order_ref: str
    at_ms: Instant


def known_defects(
    session: Session, *, now_ms: Instant, policy: CaseworkPolicy = DEFAULT_POLICY
) -> tuple[KnownDefect, ...]:
    """The models with a known defect now, most orders first."""
    today = civil.civil_date(now_ms)
    models: dict[str, list[_Reported]] = defaultdict(list)
    for one in _reported(session, after_ms=now_ms - span_ms(policy, today), until_ms=now_ms):
        models[model_of(one.product)].append(one)
    found = [
        KnownDefect(
            product=reports[0].product,
            orders=len({one.order_ref for one in reports}),
            first_ms=min(one.at_ms for one in reports),
            last_ms=max(one.at_ms for one in reports),
        )
        for reports in models.values()
    ]
    needed = policy.count("known_defect_count", today)
    return tuple(sorted((one for one in found if one.orders >= needed), key=lambda one: (-one.orders, one.product)))


def is_known_issue(session: Session, file: CaseFile, *, policy: CaseworkPolicy = DEFAULT_POLICY) -> bool:
    """Whether enough others of the model of a defective phone were reported around the time of its case."""
    order, opened_ms = file.case.order_ref, file.case.opened_ms
    if file.case.claim_type != ClaimType.DEFECTIVE or order is None:
        return False
    sale = session.get(SaleRow, order)
    model = "" if sale is None else model_of(_product(sale.facts))
    if not model:
        return False
    day = civil.civil_date(opened_ms)
    within_ms = span_ms(policy, day)
    around = _reported(session, after_ms=opened_ms - within_ms, until_ms=opened_ms + within_ms)
    same = [(one.order_ref, one.at_ms) for one in around if model_of(one.product) == model]
    return is_known(same, opened_ms, policy=policy, on_date=day)


def _reported(session: Session, *, after_ms: Instant, until_ms: Instant) -> Iterator[_Reported]:
    """What was reported as defective from one moment to another, of orders whose sale names a model."""
    query = (
        select(col(DisputeRow.order_ref), col(DisputeRow.opened_ms), col(SaleRow.facts))
        .join(SaleRow, col(SaleRow.order_ref) == col(DisputeRow.order_ref))
        .where(
            col(DisputeRow.opened_ms).between(after_ms, until_ms),
            col(DisputeRow.claim_type) == str(ClaimType.DEFECTIVE),
            col(DisputeRow.state) != WITHDRAWN,
            ~_is_declined(),
        )
    )
    for order, at_ms, facts in session.execute(query).all():
        product = _product(facts)
        if model_of(product):
            yield _Reported(product=product, order_ref=order, at_ms=at_ms)


def _is_declined() -> ColumnElement[bool]:
    """Whether a report was declined, and we did not change our mind since, nor the scheme for us."""
    line, later = aliased(DisputeEventRow), aliased(DisputeEventRow)
    up_again = exists().where(
        col(later.dispute) == col(line.dispute), col(later.id) > col(line.id), col(later.kind).in_(UP_AGAIN)
    )
    return exists().where(col(line.dispute) == col(DisputeRow.id), col(line.kind) == A_DECLINE, ~up_again)


def _product(facts: str) -> str:
    return str(msgspec.json.decode(facts)["product"])
