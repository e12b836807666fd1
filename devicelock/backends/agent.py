"""Our own agent on the handset, seen as one backend among others.

Its commands are signed and carried by the use cases themselves (`rules.desired`, the outbox, MQTT), so what stands here
is what it can keep and how its row reads in the words of the contract.
"""

from devicelock.backends.contract import Capabilities, Held
from devicelock.rules.command import LIFE_MAX_S
from devicelock.rules.desired import Desired

NAME = "agent"

CAPABILITIES = Capabilities(
    shows_contact=True,
    offline_lock=False,
    offline_unlock=True,
    user_can_leave=False,
    survives_reset=False,
    holds_without_passcode=True,
    blocks_network_only=False,
    holds_before_setup=True,
    command_life_s=LIFE_MAX_S,
)


def held(desired: Desired) -> Held:
    """The device's row: the wish, and what the device's own signature has shown for the newest command."""
    seen, newest = desired.seen, desired.issued
    if seen is None or (newest is not None and seen.pair < newest.pair):
        return Held(desired=desired.state, applied=None, last_seen_ms=None if seen is None else seen.at_s * 1000)
    return Held(desired=desired.state, applied=seen.applied, last_seen_ms=seen.at_s * 1000)
