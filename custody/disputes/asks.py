"""The ask-once ledger of a case: what we asked the customer for, and what we hold.

- An item is asked for once. A second ask for an item that was answered, skipped or lapsed, or that we issued or
  hold, is a conflict that points to what we hold.
- One item is one item whatever form it has: "PDF of the receipt", "screenshot of the receipt" and "receipt" are one.
  So it is whatever it is called: a till receipt is a proof of purchase, a crime number a reference of the police. A
  receipt of a posting, a return or a repair is none of the purchase.
- At most one ask is open, at most three are made in a case; only a supervisor goes beyond three.
- Text and accepted forms are frozen when an ask is sent; nothing changes them. Something else is another item, which is
  asked for when this ask has ended, and counts towards the three.
- Any format satisfies an ask, plain words too. What we cannot read is held all the same, and reading it is our job.
- Facts beat documents: an order's number is proof of purchase.
- After the days of the policy an ask lapses, and we go on without. Skipping and lapsing count against nobody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.policy import CaseworkPolicy
from custody.disputes.wording import lint_outgoing
from custody.disputes.work_clocks import OpenTime, work_clock
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, NotFound, Rejected

ANY_FORM = ("photo", "document", "forwarded mail", "screenshot", "video", "voice note", "plain words")
_PICTURES = frozenset(
    {"photo", "photos", "photograph", "photographs", "picture", "pictures", "image", "images"}
    | {"screenshot", "screenshots"}
)
FORM_WORDS = (
    _PICTURES
    | {"a", "an", "the", "of", "your", "our", "my", "another", "other", "kind", "new", "clearer", "better", "readable"}
    | {"copy", "copies", "pdf", "scan", "file", "original", "paper"}
)
ALIASES = MappingProxyType(
    {
        "proof_posting": "proof_of_posting",
        "certificate_posting": "proof_of_posting",
    }
)
_POLICE = frozenset({"police", "crime"})
_NEIGHBOURS = frozenset({"neighbour", "neighbours", "neighbor", "neighbors"})
_RECEIPTS = frozenset({"receipt", "receipts", "invoice", "invoices"})
_POSTING = frozenset({"posting", "postage", "post"})
_NOT_OF_THE_PURCHASE = frozenset(
    {"issued", "return", "returns", "returned", "courier", "collection", "delivery", "drop", "locker", "repair"}
)

AskState = Literal["open", "answered", "skipped", "lapsed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Something we have: where it is, and how we came by it."""

    item: str
    pointer: str
    how: Literal["issued", "held", "given", "told"]
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One ask as it was sent."""

    id: str
    item: str
    text: str
    accepts: tuple[str, ...]
    sent_ms: Instant
    until_ms: Instant
    state: AskState = "open"
    ended_ms: Instant | None = None
    pointer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Everything that was asked in a case, and everything that is held for it."""

    asks: tuple[Ask, ...] = ()
    holdings: tuple[Holding, ...] = ()

    def held(self, item: str) -> Holding | None:
        """What we hold of an item."""
        name = canonical_item(item)
        return next((held for held in self.holdings if canonical_item(held.item) == name), None)

    def asked(self, item: str) -> Ask | None:
        """The ask for an item, whatever became of it."""
        name = canonical_item(item)
        return next((ask for ask in self.asks if canonical_item(ask.item) == name), None)

    @property
    def open(self) -> Ask | None:
        """The ask that is open."""
        return next((ask for ask in self.asks if ask.state == "open"), None)

    def open_times(self) -> tuple[OpenTime, ...]:
        """When asks were open, for the clocks that pause meanwhile."""
        return tuple(OpenTime(from_ms=ask.sent_ms, until_ms=ask.ended_ms) for ask in self.asks)


def canonical_item(item: str) -> str:
    """One name for an item whatever form it is asked for in, and whatever it is called."""
    words = re.findall(r"[a-z0-9]+", item.lower())
    core = [word for word in words if word not in FORM_WORDS]
    if not core:
        return "photo" if _PICTURES & set(words) else "_".join(words)
    name = "_".join(core)
    return ALIASES.get(name) or _called(set(words)) or name


def _called(words: set[str]) -> str | None:
    if words & _POLICE:
        return "police_reference"
    if words & _NEIGHBOURS:
        return "neighbours_statement"
    if words & _RECEIPTS and words & _POSTING:
        return "proof_of_posting"
    receipt = bool(words & _RECEIPTS) and not words & _NOT_OF_THE_PURCHASE
    if receipt or {"proof", "purchase"} <= words or {"order", "confirmation"} <= words:
        return "proof_of_purchase"
    return None


def ask_guards(ledger: Ledger, item: str) -> Mapping[str, bool | None]:
    """The three guards of the event `ask`."""
    return {
        "not_held_already": not_held_already(ledger, item),
        "asks_for_item==0": no_ask_for_item(ledger, item),
        "open_asks==0": no_open_ask(ledger),
    }


def not_held_already(ledger: Ledger, item: str) -> bool:
    """We neither issued nor hold the item."""
    return ledger.held(item) is None


def no_ask_for_item(ledger: Ledger, item: str) -> bool:
    """The item was never asked for in this case."""
    return ledger.asked(item) is None


def no_open_ask(ledger: Ledger) -> bool:
    """No ask is open."""
    return ledger.open is None


def send_ask(
    ledger: Ledger,
    *,
    ask_id: str,
    item: str,
    text: str,
    role: str,
    never: tuple[str, ...],
    policy: CaseworkPolicy,
    now_ms: Instant,
) -> Ledger:
    """The ledger with one more ask, its text frozen.

    `never` are the items that this kind of problem never asks for. Raises `Rejected("never_asked")`, and
    `Conflict` with `held_by_us`, `asked_before`, `ask_open` or `ask_cap`.
    """
    today = civil_date(now_ms)
    name = canonical_item(item)
    forbidden = {*policy.value("evidence_never_required", today), *never}
    if name in forbidden | set(map(canonical_item, forbidden)):
        raise Rejected("never_asked", f"{item!r} is never asked for", fix="Go on without it.")
    _refuse_held(ledger.held(name))
    _refuse_repeat(ledger.asked(name))
    if len([ask for ask in ledger.asks if ask.state == "open"]) >= policy.count("ask_max_open", today):
        raise Conflict(
            "ask_open",
            f"an ask for {ledger.open.item if ledger.open else 'something'!r} is open",
            fix="Wait until it is answered, skipped or over, or go on without it.",
        )
    most = policy.count("ask_max_per_case", today)
    if len(ledger.asks) >= most and role != CaseRole.SUPERVISOR:
        raise Conflict(
            "ask_cap", f"{most} asks were made in this case", fix="Go on without it; only a supervisor may ask again."
        )
    ask = Ask(
        id=ask_id,
        item=name,
        text=text,
        accepts=ANY_FORM,
        sent_ms=now_ms,
        until_ms=work_clock("ask_open_days", now_ms, policy=policy).due_ms,
    )
    lint_outgoing(text, set_by=("ask_open_days",))
    return replace(ledger, asks=(*ledger.asks, ask))


def answer_ask(ledger: Ledger, ask_id: str, *, pointer: str, readable: bool, now_ms: Instant) -> Ledger:
    """The ledger after something came in answer, in any form; what cannot be read is held all the same."""
    answered = _end(ledger, ask_id, state="answered", now_ms=now_ms, pointer=pointer)
    item = next(ask.item for ask in ledger.asks if ask.id == ask_id)
    return hold(answered, Holding(item=item, pointer=pointer, how="given", readable=readable))


def skip_ask(ledger: Ledger, ask_id: str, *, now_ms: Instant) -> Ledger:
    """The ledger after the customer skipped."""
    return _end(ledger, ask_id, state="skipped", now_ms=now_ms)


def lapse_asks(ledger: Ledger, *, now_ms: Instant) -> Ledger:
    """The ledger with every ask ended whose days are over."""
    return replace(
        ledger,
        asks=tuple(
            replace(ask, state="lapsed", ended_ms=ask.until_ms)
            if ask.state == "open" and now_ms > ask.until_ms
            else ask
            for ask in ledger.asks
        ),
    )


def hold(ledger: Ledger, holding: Holding) -> Ledger:
    """The ledger with one more thing held."""
    return ledger if holding in ledger.holdings else replace(ledger, holdings=(*ledger.holdings, holding))


def _end(ledger: Ledger, ask_id: str, *, state: AskState, now_ms: Instant, pointer: str | None = None) -> Ledger:
    found = next((ask for ask in ledger.asks if ask.id == ask_id), None)
    if found is None:
        raise NotFound("ask", f"no ask {ask_id!r} in this case", fix="Use the ask's own id from the case.")
    if found.state != "open":
        raise Conflict("ask_ended", f"the ask for {found.item!r} is {found.state}", fix="Nothing is left to do.")
    ended = replace(found, state=state, ended_ms=now_ms, pointer=pointer)
    return replace(ledger, asks=tuple(ended if ask.id == ask_id else ask for ask in ledger.asks))


def _refuse_held(held: Holding | None) -> None:
    if held is not None:
        raise Conflict(
            "held_by_us",
            f"we {'issued' if held.how == 'issued' else 'hold'} {held.item!r}",
            fix=f"Use {held.pointer}.",
            pointer=held.pointer,
        )


def _refuse_repeat(asked: Ask | None) -> None:
    if asked is not None:
        raise Conflict(
            "asked_before",
            f"{asked.item!r} was asked for once and is {asked.state}",
            fix=f"Use {asked.pointer}." if asked.pointer else "Go on without it.",
            pointer=asked.pointer,
        )
