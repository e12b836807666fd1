"""The code by which a customer says "I have it", sent to them in another message than the parcel.

Ten letters of Crockford's base32 out of HMAC-SHA256 over the order's reference, under the master secret of the codes.
It is computed and never stored; it opens nothing but the end of the protection of that one order's handset. How often
it may be tried is bounded at the door.
"""

import hashlib
import hmac

from custody.kernel.errors import Forbidden
from custody.kernel.ids import CROCKFORD, READ_AS

LETTERS = 10
_LABEL = b"weaklink receipt code v1\x00"


def receipt_code(master: bytes, order_ref: str) -> str:
    """The code of an order."""
    digest = hmac.new(master, _LABEL + order_ref.encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:7], "big")
    return "".join(CROCKFORD[(number >> (5 * place)) & 31] for place in range(LETTERS))


def check_receipt_code(master: bytes, order_ref: str, given: str) -> None:
    """Raise `Forbidden("receipt_code")` unless this is the order's code, however it was typed."""
    typed = "".join(given.split()).replace("-", "").lower().translate(READ_AS)
    if not hmac.compare_digest(typed.encode(errors="replace"), receipt_code(master, order_ref).encode()):
        raise Forbidden(
            "receipt_code",
            "the order and the code do not belong together",
            fix="Type the code from our message once more, or tell us in any other way that you have the phone.",
        )
