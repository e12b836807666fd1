"""What a customer is told when something cannot be done now: where their case stands and what helps, in their words."""

from types import MappingProxyType

from custody.kernel.errors import Conflict, Trouble

WAITS = MappingProxyType(
    {
        "all_locks_settled": (
            "the phone of this case is not unlocked yet",
            "Do you have it? Tap I found it. If not, call us, and we settle the lock first.",
        ),
        "all_promises_settled": (
            "something that we promised you is still open",
            "We do it first, and then you can close your case.",
        ),
        "payout_route_works_for_this_customer": ("we do not know how to pay you", "Choose a way to be paid."),
    }
)
"""What may hold a customer's move back, and what helps."""


def in_their_words(trouble: Trouble, stands: str) -> Trouble:
    """The same trouble without words of ours, and where the case stands; one that has none is handed back as it is."""
    if trouble.code == "move":
        why = f"this cannot be done now. {stands.rstrip('.')}"
        return Conflict("move", why, fix="Load your page again to see what you can do now, or call us.")
    unmet = trouble.facts.get("unmet", ()) if trouble.code == "guard" else ()
    known = [WAITS[name] for name in unmet if name in WAITS]
    if not known:
        return trouble
    return Conflict("guard", "; ".join(why for why, _ in known), fix=" ".join(fix for _, fix in known))
