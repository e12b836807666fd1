"""What events of a case carry beside plain fields: whereabouts, days, who is who, what is found for a decline."""

from typing import Annotated, TypeVar

from pydantic import Field

from api.http.body import Body, Day
from custody.disputes.case_guards import Ground
from custody.disputes.people import MOST_NAME, PeopleSaid, Relation
from custody.kernel.errors import Rejected

T = TypeVar("T")


def need(value: T | None, name: str) -> T:
    """What an event needs; raises `Rejected("field")` if it is missing, or words that say nothing."""
    if not value or (isinstance(value, str) and not value.strip()):
        raise Rejected("field", f"{name} is missing", fix=f"Send {name} with this event.")
    return value


class WhereaboutsIn(Body):
    """What is known of the ordered handset; what is left out is not known."""

    lost_on_return_leg: bool | None = None
    absent_from_returns_bench: bool | None = None
    customer_told: bool | None = None
    returns_bench_told: bool | None = None
    missing_from_custody: bool | None = None


class OrderDaysIn(Body):
    """Days of the order that became known after it was sold; what is left out is not known."""

    delivered: Day | None = None
    goods_back: Day | None = Field(default=None, description="When the returns bench had it.")
    proof_of_sending: Day | None = Field(default=None, description="When the customer sent it back, as a proof shows.")


class PeopleIn(Body):
    """Who is who in the contract. Whom you leave out stays as they were, and nothing has to be shown.

    `died`: whoever stood in that relation until now has died; a name for it is of whoever takes their place.
    """

    holder: str | None = Field(default=None, max_length=MOST_NAME)
    payer: str | None = Field(default=None, max_length=MOST_NAME)
    user: str | None = Field(default=None, description="Who uses the phone.", max_length=MOST_NAME)
    representative: str | None = Field(default=None, description="Who speaks for them.", max_length=MOST_NAME)
    write_to: str = Field(default="", description="Where to write to that person.", max_length=MOST_NAME)
    died: list[Annotated[Relation, Field(strict=False)]] = Field(default_factory=list, max_length=len(Relation))
    user_has_it: bool | None = Field(default=None, description="Whether who uses the phone has it, by their word.")

    def said(self) -> PeopleSaid:
        """The same as it was said."""
        names = {relation: name for relation in Relation if (name := getattr(self, relation)) is not None}
        return PeopleSaid(names=names, write_to=self.write_to, died=frozenset(self.died), user_has_it=self.user_has_it)


class FindingIn(Body):
    """Something brought forward for a decline: its ground, what it says, where it is kept, whom it is about."""

    ground: Annotated[Ground, Field(strict=False)]
    says: str
    kept_at: str
    about_this_person: bool | None
