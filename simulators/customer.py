"""A customer: reports what is wrong, chooses a remedy, says "I found it". Needs no account.

The report is answered with a token of its own; whoever holds it is the customer. What is reported follows from what
really happened to the parcel, told in the customer's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.client import ServiceClient
from simulators.parcel import Kind, Parcel

DECOY = "power bank"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a customer says of one parcel."""

    order: str
    item: str
    imei: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The person behind one report, after it was taken in."""

    dispute: str
    token: str
    opened: Mapping[str, Any]
    client: ServiceClient

    def page(self) -> dict[str, Any]:
        """The case as the customer sees it."""
        found: dict[str, Any] = self.client.get(f"/v1/customer/{self.token}")
        return found

    def choose(self, remedy: str, *, payout: str | None = None) -> dict[str, Any]:
        """Take a remedy: replacement or refund."""
        body = {"remedy": remedy} | ({} if payout is None else {"payout": payout})
        return self._say("choose", body)

    def found(self) -> dict[str, Any]:
        """The customer has it after all: the lock is released at once."""
        return self._say("found", {})

    def disagree(self) -> dict[str, Any]:
        """The customer does not agree."""
        return self._say("disagree", {})

    def confirm(self) -> dict[str, Any]:
        """The customer says that it is put right."""
        return self._say("confirm", {})

    def _say(self, word: str, body: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.client.post(f"/v1/customer/{self.token}/{word}", body)
        return found


def report(client: ServiceClient, told: Report) -> Customer:
    """Report a parcel without any session."""
    return customer_of(client, client.as_caller("").post("/v1/disputes", told.body))


def customer_of(client: ServiceClient, opened: Mapping[str, Any]) -> Customer:
    """The customer behind a report that an agent took in."""
    return Customer(
        dispute=str(opened["dispute"]),
        token=str(opened["customer_token"]),
        opened=opened,
        client=client.as_caller(""),
    )


def report_of(parcel: Parcel) -> Report:
    """What the honest customer of that parcel says."""
    body = {"order": parcel.order, "channel": "web", **_words(parcel)}
    return Report(order=parcel.order, item=parcel.sscc, imei=parcel.unit.imei, body=body)


def contact_of(parcel: Parcel) -> str:
    """A made-up address to reach the customer (RFC 2606 reserves the domain)."""
    return f"customer-{parcel.order.lower()}@example.com"


def _words(parcel: Parcel) -> dict[str, str]:
    if parcel.fate.kind is Kind.SUBSTITUTED:
        return {
            "claim_type": "substituted",
            "words": f"I ordered a {parcel.unit.model.name}. The parcel held a {DECOY} and no phone.",
            "found_instead": DECOY,
        }
    if parcel.fate.kind is Kind.DAMAGED:
        return {
            "claim_type": "damaged",
            "words": "The box was crushed and the screen is broken.",
        }
    return {
        "claim_type": "never_received",
        "words": "It is said to have been delivered, but it never reached me.",
    }
