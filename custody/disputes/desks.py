"""The directory of desks: which kinds of case each takes, of which customers, and to which desks it may refer them.

The file is a list of rows with the fields `desk` (its name), `says` (in our words), `kinds` (a list, or "any", which
also takes what has no kind yet), `customers` (by their standing; `unknown` is one too) and `refers_to`. Every case
begins at the first row. A desk has no phone number and no price: a customer is handed on, and never sent.

A directory in which somebody could be turned away or sent round does not load, and the error says at which desk:

- the first desk takes every kind and every customer;
- each desk that another refers to takes every customer that this one takes, and some kind of case of it;
- no way leads back to a desk where the case has been;
- each desk can be reached from the first.

Accounts belong to no desk: who sits where is for the house's own roster.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from custody.disputes.claim import ClaimType
from custody.disputes.order import Standing
from custody.kernel.errors import NotFound, Rejected

FIELDS = ("desk", "says", "kinds", "customers", "refers_to")
ANY, UNKNOWN = "any", "unknown"
KINDS = frozenset(map(str, ClaimType))
CUSTOMERS = frozenset({*map(str, Standing), UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One desk. `kinds` is None if it takes every kind, and what has none yet."""

    desk: str
    says: str
    kinds: frozenset[str] | None
    customers: frozenset[str]
    refers_to: tuple[str, ...]

    def takes(self, kind: str | None, standing: Standing | None) -> bool:
        """Whether it takes a case of this kind, None for none yet, of this customer, None for not known."""
        return (self.kinds is None or kind in self.kinds) and (standing or UNKNOWN) in self.customers


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All desks; it refuses to exist if a customer could be turned away or sent round. `where`: which file it is."""

    desks: tuple[Desk, ...]
    where: str = "the directory of desks"

    def __post_init__(self) -> None:
        for problem in _problems(self.desks):
            raise _wrong(self.where, problem)

    @property
    def front(self) -> Desk:
        """Where every case begins."""
        return self.desks[0]

    @property
    def words(self) -> dict[str, str]:
        """What each desk is, by its name."""
        return {desk.desk: desk.says for desk in self.desks}

    def at(self, name: str) -> Desk:
        """The desk of that name at which a case is; the first one for none, or if the directory has it no more."""
        return next((desk for desk in self.desks if desk.desk == name), self.front)

    def onward(self, name: str, kind: str | None, standing: Standing | None) -> tuple[Desk, ...]:
        """The desks to which a case at this one may be referred."""
        return tuple(desk for desk in map(self.at, self.at(name).refers_to) if desk.takes(kind, standing))

    def target(self, name: str, to: str, kind: str | None, standing: Standing | None) -> Desk:
        """The desk that a case is referred to; raises `NotFound`, or `Rejected("desk")` with those that take it."""
        names = [desk.desk for desk in self.desks]
        if to not in names:
            raise NotFound("no_desk", f"there is no desk {to!r}", fix=f"Use one of {', '.join(names)}.")
        takes = {desk.desk: desk for desk in self.onward(name, kind, standing)}
        if to not in takes:
            raise Rejected(
                "desk",
                f"the desk {self.at(name).desk!r} does not refer such a case to {to!r}",
                fix=f"Refer it to one of {', '.join(takes)}." if takes else "Keep it: this desk decides it.",
                desks=tuple(takes),
            )
        return takes[to]


def read_desks(written: bytes, *, where: str) -> Directory:
    """The directory in a file; raises `Rejected("desks")`, which says in which row or at which desk it is wrong."""
    try:
        rows = json.loads(written)
    except ValueError as error:
        raise _wrong(where, f"it is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise _wrong(where, "it is no list of desks")
    return Directory(
        desks=tuple(_desk(row, f"{where}, row {number}") for number, row in enumerate(rows, 1)), where=where
    )


def _desk(row: Any, where: str) -> Desk:
    if not isinstance(row, dict) or set(row) != set(FIELDS):
        raise _wrong(where, f"a desk has exactly the fields {', '.join(FIELDS)}")
    for name in ("desk", "says"):
        if not isinstance(row[name], str) or not row[name].strip():
            raise _wrong(where, f"{name} is no text")
    kinds = None if row["kinds"] == ANY else frozenset(_words(row, "kinds", KINDS, where))
    customers = frozenset(_words(row, "customers", CUSTOMERS, where))
    refers_to = tuple(_words(row, "refers_to", None, where))
    return Desk(desk=row["desk"], says=row["says"], kinds=kinds, customers=customers, refers_to=refers_to)


def _words(row: Mapping[str, Any], name: str, known: frozenset[str] | None, where: str) -> list[str]:
    found = row[name]
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise _wrong(where, f"{name} is no list of words")
    if len(set(found)) != len(found):
        raise _wrong(where, f"{name} says a word twice")
    if unknown := [word for word in found if known is not None and word not in known]:
        raise _wrong(where, f"{name}: {unknown[0]!r} is none of {', '.join(sorted(known or ()))}")
    return found


def _problems(desks: tuple[Desk, ...]) -> Iterator[str]:
    by_name = {desk.desk: desk for desk in desks}
    if not desks:
        yield "there is no desk"
    if len(by_name) != len(desks):
        yield "two desks have one name"
    for desk in desks:
        for name in desk.refers_to:
            yield from (f"desk {desk.desk!r}: {problem}" for problem in _between(desk, by_name.get(name), name))
    first = desks[0]
    if first.kinds is not None or first.customers != CUSTOMERS:
        yield f"desk {first.desk!r}: every case begins there, and it does not take every kind and every customer"
    seen = set[str]()
    yield from _circles(by_name, (first.desk,), seen)
    yield from (f"desk {name!r}: no desk refers to it" for name in by_name if name not in seen)


def _between(desk: Desk, target: Desk | None, name: str) -> Iterator[str]:
    """What is wrong with one desk referring to another one."""
    if target is None:
        yield f"it refers to {name!r}, which is no desk"
        return
    if away := sorted(desk.customers - target.customers):
        yield f"it refers to {name!r}, which turns away customers who are {' or '.join(away)}"
    if desk.kinds is not None and target.kinds is not None and not desk.kinds & target.kinds:
        yield f"it refers to {name!r}, which takes no kind of case of it"


def _circles(by_name: Mapping[str, Desk], way: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    """Where a way leads back to a desk at which it has been; `seen` are the desks that were gone on from."""
    seen.add(way[-1])
    for name in by_name[way[-1]].refers_to:
        if name in way:
            yield f"desk {way[-1]!r}: a case comes round: {' > '.join((*way[way.index(name) :], name))}"
        elif name not in seen:
            yield from _circles(by_name, (*way, name), seen)


def _wrong(where: str, problem: str) -> Rejected:
    return Rejected("desks", f"{where}: {problem}", fix="Correct it there; nobody may be turned away or sent round.")


DESKS = read_desks(files("custody.disputes").joinpath("desks.json").read_bytes(), where="desks.json")
"""The desks of a house that names none of its own."""
