"""What the lock of a missing handset does to its customer, in the customer's own words.

One list: whoever asks for a lock or decides one reads it beforehand, and the customer is sent it with the news of it.
"""

from datetime import date

from custody.disputes.policy import CaseworkPolicy

LOCK_EFFECTS = (
    "Only the phone from your order is locked. Your line and your other phones go on as before.",
    "Nobody can use that phone. Calls to 999 still work on it, and it still charges.",
    "Its screen shows whom to call.",
    "The lock ends by itself after {hours} hours, unless two people here agree to keep it.",
    "Once two people here agree to it, other networks may turn that phone away too.",
    "Do you have it after all? Tap I found it on your page, and we unlock it at once. The code is there too.",
)


def lock_effects(*, policy: CaseworkPolicy, on_date: date) -> tuple[str, ...]:
    """The effects of a lock that is made on that day."""
    hours = policy.count("provisional_lock_hours", on_date)
    return tuple(effect.format(hours=hours) for effect in LOCK_EFFECTS)
