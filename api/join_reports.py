"""Joining two reports at the doors: the locks go along, and the customer of the case that goes on hears of them."""

from typing import Any

from api.joined_locks import join_locks
from api.lock_news import announce_joined
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases import move_scheme


def join_reports(unit: Unit, *, dispute: str, into: str, **move: Any) -> CaseFile:
    """`move_scheme.join_case`, and what it brings about for the locks of the joined case."""
    survivor = move_scheme.join_case(unit, dispute, into=into, **move)
    join_locks(unit, dispute=dispute, into=into)
    announce_joined(unit, dispute=dispute, into=into)
    return survivor
