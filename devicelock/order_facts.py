"""What an order, or a step of one, has beside its columns, as JSON; the one typed read of it.

What was erased, or was written by an older version without it, is as if it had never been there.
"""

from typing import Protocol

import msgspec

from devicelock.rules.command import Reason


class PutBack(msgspec.Struct, frozen=True, kw_only=True):
    """The end that clocks which were put back have made earlier, and by how much each service's did."""

    end_ms: int
    by_s: dict[str, int]


class ShownCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a preflight as it was shown; `ok` is None where it was not known."""

    check: str
    ok: bool | None
    reason: str = ""
    allowed_by: str = ""


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an order.

    - `evidence`: what it rests on; `entries` those that are entries of the log; `checks` the rows of a preflight that
      refused it, as they were shown.
    - `specialist`: whom a buyer who needs support has; `notice_ms`: from when on it may be, as the customer was told
      before; `refused`: why the second person said no.
    - `confirm_proposed_by`, `confirmed_by`: who keeps it beyond its hours.
    - `joined_from`: cases that it was under; `waiting`: cases whose lock waits until this one is over.
    - `read_ms`: since when its handset was locked by the word of who read its screen, as it never said.
    """

    evidence: list[str] = []
    entries: list[str] = []
    checks: list[ShownCheck] = []
    specialist: str | None = None
    notice_ms: int | None = None
    refused: str = ""
    confirm_proposed_by: str | None = None
    confirmed_by: list[str] = []
    joined_from: list[str] = []
    waiting: list[str] = []
    read_ms: int | None = None
    put_back: PutBack | None = None


class ReleaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of the step that released an order: for which of our reasons."""

    reason: Reason | None = None


class WithFacts(Protocol):
    """What has facts as JSON: an order, as it is stored or as it would be, or a step of one."""

    @property
    def facts(self) -> str:
        """The JSON."""


def read_facts(order: WithFacts) -> OrderFacts:
    """The facts of an order, as it is stored or as it would be."""
    return read_text(order.facts)


def release_reason(step: WithFacts) -> Reason | None:
    """For which of our reasons an order was released, by the step that did it."""
    return msgspec.json.decode(step.facts, type=ReleaseFacts).reason


def read_text(facts: str) -> OrderFacts:
    """The same of the JSON alone."""
    return msgspec.json.decode(facts, type=OrderFacts)
