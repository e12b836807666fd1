"""Who is who: who holds the contract, who pays, who uses the phone, and who speaks for the customer.

Each may be somebody else, and each may be left out: then nobody but whoever told us is known of.

- What we write goes to whoever speaks for the customer, if anybody does, and else to the holder.
- Money goes back to whoever paid, and that is the holder where nobody else is named. Where the payer has died it goes
  to the holder, or to whoever speaks for them, and never back to a card that nobody may use any more.
- After a death somebody else may take the contract over by our customer's word alone: no paper about the death, the
  family or who they are is asked for from then on, and no name that we hold.
- A lock concerns whoever uses the phone too. Where somebody else does, it waits for their word that they do not have
  it; their word that they have it is a reason against every lock.

A name that the seller's record of an order told (`by_order`) is for staff alone, and so is how to reach them: anybody
may quote an order's number, and say something of whoever it names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from custody.disputes.order import Payment
from custody.kernel.errors import Rejected

MOST_NAME = 200
_OF_A_DEATH = frozenset(
    {"death", "died", "deceased", "probate", "will", "testament", "estate", "executor", "administration", "heir"}
    | {"marriage", "wedding", "relationship", "widow", "widower", "identity", "identification", "id"}
    | {"passport", "licence", "license"}
)
_TOGETHER = (frozenset({"proof", "address"}), frozenset({"utility", "bill"}), frozenset({"next", "kin"}))
"""Words of what nobody is asked for after a death, alone or together."""


class Relation(StrEnum):
    """What somebody is in a contract."""

    HOLDER = "holder"
    PAYER = "payer"
    USER = "user"
    REPRESENTATIVE = "representative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, by the name that we were told; without one, somebody who died and whom nobody named.

    `contact_by_order`: the record of the order told how to reach them, and their name was told in the case as well.
    """

    name: str
    contact: str = ""
    has_died: bool = False
    by_order: bool = False
    contact_by_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePeople:
    """Who is who. `user_has_it`: whether whoever uses the phone has it, by their own word; None is not known.

    `bereaved`: one of them died, whoever is in their place since.
    """

    holder: Person | None = None
    payer: Person | None = None
    user: Person | None = None
    representative: Person | None = None
    user_has_it: bool | None = None
    bereaved: bool = False

    def of(self, relation: Relation) -> Person | None:
        """Whoever stands in that relation."""
        return {
            Relation.HOLDER: self.holder,
            Relation.PAYER: self.payer,
            Relation.USER: self.user,
            Relation.REPRESENTATIVE: self.representative,
        }[relation]

    def named(self) -> dict[Relation, Person]:
        """Those who are known of."""
        return {relation: person for relation in Relation if (person := self.of(relation)) is not None}


NOBODY = CasePeople()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSaid:
    """What was said of them at once: names by their relations, how to reach who speaks, who died, and the user's word.

    Who died is whoever stood there before; a name for the same relation is of whoever takes their place.
    """

    names: Mapping[Relation, str]
    write_to: str = ""
    died: frozenset[Relation] = frozenset()
    user_has_it: bool | None = None


def check_said(said: PeopleSaid) -> None:
    """Return if it says something that can be written down; raises `Rejected("people")`."""
    texts = [*said.names.values(), said.write_to]
    if any(len(text) > MOST_NAME for text in texts) or not all(name.strip() for name in said.names.values()):
        raise Rejected(
            "people", "one name is empty or too long", fix=f"Give 1 to {MOST_NAME} letters, or leave it out."
        )
    if not (said.names or said.died or said.write_to.strip()) and said.user_has_it is None:
        raise Rejected("people", "it does not say who is who", fix="Name at least one person, or say who has died.")


def learn(before: CasePeople, said: PeopleSaid) -> CasePeople:
    """Who is who after that was said; raises `Rejected` as `check_said` does."""
    check_said(said)
    people = before
    for relation in sorted(said.died):
        people = _change(people, relation, replace(people.of(relation) or Person(name=""), has_died=True))
    if Relation.HOLDER in said.died and people.payer is None:
        people = replace(people, payer=people.holder)
    for relation, name in said.names.items():
        people = _change(people, relation, _named(people.of(relation), name.strip()))
    if said.write_to.strip():
        people = _change(people, *_reached(people, said.write_to.strip()))
    has_it = said.user_has_it if said.user_has_it is not None else people.user_has_it
    if people.user != before.user and said.user_has_it is None:
        has_it = None  # it was somebody else's word
    return replace(people, user_has_it=has_it, bereaved=before.bereaved or bool(said.died))


def by_order(names: Mapping[Relation, str], *, write_to: str = "") -> CasePeople | None:
    """Those whom the record of an order names; None if it names nobody."""
    if not names:
        return None
    people = learn(NOBODY, PeopleSaid(names=names, write_to=write_to))
    known = {relation: replace(person, by_order=True) for relation, person in people.named().items()}
    return _with(people, known)


def joined_people(survivor: CasePeople | None, other: CasePeople | None) -> CasePeople | None:
    """Who is who after two reports were joined: whom the one that goes on does not name, the other may."""
    if survivor is None or other is None:
        return survivor or other
    known = _with(survivor, {**other.named(), **survivor.named()})
    has_it = [each.user_has_it for each in (survivor, other) if each.user_has_it is not None]
    return replace(known, user_has_it=any(has_it) if has_it else None, bereaved=survivor.bereaved or other.bereaved)


def told_here(people: CasePeople | None) -> CasePeople | None:
    """Those whom somebody named in the case itself: all that whoever has its link may read."""
    if people is None:
        return None
    here = {
        relation: replace(person, contact="") if person.contact_by_order else person
        for relation, person in people.named().items()
        if not person.by_order
    }
    bare = CasePeople(user_has_it=people.user_has_it, bereaved=people.bereaved)
    found = _with(bare, here)
    return None if found == NOBODY else found


def written_to(people: CasePeople | None) -> Relation | None:
    """To whom goes what we write; None is whoever told us."""
    return _first_alive(people, (Relation.REPRESENTATIVE, Relation.HOLDER))


def addressee(people: CasePeople | None) -> Person | None:
    """The same, by name; None is whoever told us, or whoever bought it."""
    relation = written_to(people)
    return None if people is None or relation is None else people.of(relation)


def paid_to(people: CasePeople | None) -> Relation | None:
    """To whom money goes; None is whoever told us."""
    return _first_alive(people, (Relation.PAYER, Relation.HOLDER, Relation.REPRESENTATIVE))


def payment_back(people: CasePeople | None, payment: Payment | None) -> Payment | None:
    """How it was paid, where the money can go back that way; None where whoever paid has died."""
    payer = None if people is None else people.payer or people.holder
    return None if payer is not None and payer.has_died else payment


def names_told(people: CasePeople | None) -> tuple[str, ...]:
    """What we hold of them by somebody's word, as an item that is not asked for again."""
    here = told_here(people)
    return () if here is None else tuple(item_of(each) for each, person in here.named().items() if person.name)


def item_of(relation: Relation) -> str:
    """What we ask for when we ask who that is."""
    return f"name of the {relation}"


def waits_for_user(people: CasePeople | None) -> bool:
    """Whether a lock waits for the word of whoever uses the phone."""
    user = None if people is None else people.user
    return user is not None and not user.has_died and people is not None and people.user_has_it is None


def may_be_with_user(people: CasePeople | None) -> bool:
    """Whether whoever uses the phone has it, or has not said that they do not."""
    return people is not None and (people.user_has_it is True or waits_for_user(people))


def never_after_a_death(people: CasePeople | None, item: str) -> bool:
    """Whether this is never asked for, since one of them died."""
    words = set(re.findall(r"[a-z]+", item.lower()))
    is_of_it = bool(words & _OF_A_DEATH) or any(together <= words for together in _TOGETHER)
    return people is not None and people.bereaved and is_of_it


def _named(before: Person | None, name: str) -> Person:
    """The same person if they were named so before, who lives then; else somebody new, of whom no contact is known."""
    if before is None or before.name != name:
        return Person(name=name)
    by_record = bool(before.contact) and (before.by_order or before.contact_by_order)
    return replace(before, has_died=False, by_order=False, contact_by_order=by_record)


def _reached(people: CasePeople, contact: str) -> tuple[Relation, Person]:
    """Whoever is written to, with how they are reached; raises `Rejected("people")` if nobody of them is named."""
    relation, person = written_to(people), addressee(people)
    if relation is None or person is None:
        raise Rejected("people", "nobody is named to write to", fix="Name who speaks for the customer, or the holder.")
    return relation, replace(person, contact=contact, contact_by_order=False)


def _first_alive(people: CasePeople | None, relations: tuple[Relation, ...]) -> Relation | None:
    known = {} if people is None else people.named()
    return next((relation for relation in relations if relation in known and not known[relation].has_died), None)


def _change(people: CasePeople, relation: Relation, person: Person) -> CasePeople:
    return _with(people, {**people.named(), relation: person})


def _with(people: CasePeople, known: Mapping[Relation, Person]) -> CasePeople:
    return replace(
        people,
        holder=known.get(Relation.HOLDER),
        payer=known.get(Relation.PAYER),
        user=known.get(Relation.USER),
        representative=known.get(Relation.REPRESENTATIVE),
    )
