"""A state machine as a table, and the one function that moves along it.

- A machine is a frozen table: states with the role that owns them, the clock that runs in them and the customer's
  words for them; transitions with source, target, event, who may cause it and which guards must hold.
- From one state an event leads to one target. A state may be terminal and still have a way out (a closed case reopens).
- `step` decides in this order: the move stands in the table, the role may cause it, every guard is known and true.
  A refused move raises and changes nothing: there is nothing here that could change.
- `demand_role` and `demand` are two of these questions alone, for what is put right without a move: may this role cause
  the event anywhere, and are these guards true?
- A guard is a fact of three values: true, false, unknown (None or not given). Only true satisfies it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from custody.kernel.errors import Conflict, Fatal, Forbidden

State = TypeVar("State", bound=str)
"""The names of a machine's states: a `Literal`, so that the type check refuses one that its table does not have."""


class CaseRole(StrEnum):
    """Who causes a transition. A representative acts in the role of the customer; `system` is automation."""

    CUSTOMER = "customer"
    AGENT = "agent"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    SYSTEM = "system"
    ADR = "adr"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """What is true of a state: its owner's role, its clock key and how the customer is told; None when it has none."""

    owner: CaseRole | None
    clock: str | None
    customer_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a guard means, what would satisfy it, and the function over explicit facts that decides it.

    `holds` is None for a fact that another room decides by the meaning written here.
    """

    means: str
    fix: str
    holds: Callable[..., bool | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(Generic[State]):
    """One row of a table."""

    source: State
    target: State
    event: str
    who: tuple[CaseRole, ...]
    guards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Generic[State]):
    """A whole table; it refuses to exist if it contradicts itself."""

    name: str
    start: State
    terminal: frozenset[State]
    states: Mapping[State, StateFacts]
    transitions: tuple[Transition[State], ...]
    guards: Mapping[str, Guard] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for row in self.transitions:
            if row.source not in self.states or row.target not in self.states:
                raise _broken(self.name, f"{row.source} -> {row.target} joins a state that is not declared")
            if not row.who:
                raise _broken(self.name, f"nobody may cause {row.event!r} in {row.source}")
            if (row.source, row.event) in seen:
                raise _broken(self.name, f"{row.event!r} leads from {row.source} to two places")
            seen.add((row.source, row.event))
        if not {self.start} | self.terminal <= set(self.states):
            raise _broken(self.name, "the start or a terminal state is not declared")

    def facts(self, state: State) -> StateFacts:
        """The facts of a state; raises `Fatal("state")` for one that the table does not know."""
        if state not in self.states:
            raise Fatal(
                "state",
                f"{self.name}: no state {state!r}; the table knows {', '.join(self.states)}",
                fix="The stored state was written by other code: bring the code and the data to one version.",
            )
        return self.states[state]

    def leaving(self, state: State) -> tuple[Transition[State], ...]:
        """The transitions out of a state, in the order of the table."""
        self.facts(state)
        return tuple(row for row in self.transitions if row.source == state)

    def possible(self, state: State, actor_role: str) -> tuple[str, ...]:
        """The events that this role may cause in this state, guards apart."""
        return tuple(row.event for row in self.leaving(state) if actor_role in row.who)


def transition(source: State, target: State, event: str, who: tuple[CaseRole, ...], *guards: str) -> Transition[State]:
    """A row in the order in which tables are read: from where, to where, by what, by whom, and what must hold."""
    return Transition(source=source, target=target, event=event, who=who, guards=guards)


def step(
    machine: Machine[State], state: State, event: str, actor_role: str, guards: Mapping[str, bool | None]
) -> Transition[State]:
    """The transition that this event makes.

    Raises `Conflict("move")` if the table has no such move, `Forbidden("role")` if the role may not cause it, and
    `Conflict("guard")` if a guard is false or unknown.
    """
    leaving = machine.leaving(state)
    row = next((row for row in leaving if row.event == event), None)
    if row is None:
        events = tuple(row.event for row in leaving)
        raise Conflict(
            "move",
            f"{machine.name}: {event!r} is not possible in the state {state!r}",
            fix=f"Possible here: {', '.join(events) or 'nothing'}.",
            state=state,
            possible=events,
        )
    where = f"{event!r} in the state {state!r}"
    if actor_role not in row.who:
        raise _not_theirs(machine, actor_role, row.who, where, state=state)
    unmet = {name: guards.get(name) for name in row.guards if guards.get(name) is not True}
    if unmet:
        raise _unmet(machine, unmet, where, state=state)
    return row


def demand_role(machine: Machine[State], event: str, actor_role: str) -> None:
    """Return if this role may cause the event in any state; raises `Forbidden("role")`."""
    who = tuple(dict.fromkeys(role for row in machine.transitions if row.event == event for role in row.who))
    if actor_role not in who:
        raise _not_theirs(machine, actor_role, who, repr(event))


def demand(machine: Machine[State], guards: Mapping[str, bool | None]) -> None:
    """Return if each of these guards is true; raises `Conflict("guard")` if one is false or unknown."""
    unmet = {name: value for name, value in guards.items() if value is not True}
    if unmet:
        raise _unmet(machine, unmet, "what was asked for")


def _not_theirs(
    machine: Machine[State], actor_role: str, who: tuple[CaseRole, ...], what: str, **facts: str
) -> Forbidden:
    return Forbidden(
        "role",
        f"{machine.name}: the role {str(actor_role)!r} may not cause {what}",
        fix=f"It takes one of: {', '.join(who)}.",
        who=tuple(str(role) for role in who),
        **facts,
    )


def _unmet(machine: Machine[State], unmet: Mapping[str, bool | None], what: str, **facts: str) -> Conflict:
    said = [f"{name} is {'not known' if value is None else 'false'}" for name, value in unmet.items()]
    fixes = [machine.guards[name].fix if name in machine.guards else f"Show that {name}." for name in unmet]
    return Conflict(
        "guard",
        f"{machine.name}: {what} is held back: {'; '.join(said)}",
        fix=" ".join(fixes),
        unmet=tuple(unmet),
        **facts,
    )


def _broken(name: str, why: str) -> Fatal:
    return Fatal("table", f"the table of {name} contradicts itself: {why}", fix="Correct the table in the code.")
