"""The way out without a network: a code read over the telephone (OCRA, RFC 6287).

- The lock screen shows eight digits, the question, and the number of its lock. The service answers with eight digits,
  and the device releases itself.
- Suite: `OCRA-1:HOTP-SHA256-8:C-QN08`. The counter is the lock's own pair: the epoch in the upper and the counter in
  the lower 32 bits, so that a code opens one lock of one device and no other. A 32-byte key per device serves this
  purpose only: it can say nothing but *unlock*. It is derived from a master secret by HKDF-SHA256 (RFC 5869) and given
  to the device at enrolment.
- **Never lost.** The service knows the pair of the newest lock; where it does not (a restored backup, an answer that
  was lost), the holder reads the number of the lock off the screen: `12345678 3.17` (`read_challenge`).
- The device draws the question from its secure generator and stores it. It forgets it after a right answer or five
  wrong ones and draws another; each wrong answer doubles the wait before the next, from 1 second to 15 minutes.
- A code stays issuable for the life of the handset.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace

from custody.kernel.errors import Rejected
from devicelock.rules.applied import Pair
from devicelock.rules.ocra import ocra

SUITE = "OCRA-1:HOTP-SHA256-8:C-QN08"
KEY_BYTES = 32
DIGITS = 8
MAX_WRONG = 5
FIRST_WAIT_S = 1
LONGEST_WAIT_S = 15 * 60
ENTROPY_BYTES = 16

_CHALLENGE = re.compile(r"(?P<digits>[0-9]{8})(?:(?P<epoch>[0-9]{1,16})\.(?P<counter>[0-9]{1,16}))?", re.ASCII)
_HALF = 2**32 - 1
_HKDF_INFO = b"weaklink device unlock code v1\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The challenge on the lock screen, and how often it was answered wrongly."""

    digits: str
    wrong: int = 0
    not_before_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the holder read off the screen: the digits, and the pair of the lock where they gave its number."""

    digits: str
    pair: Pair | None


def derive_key(master: bytes, device: str) -> bytes:
    """The device's own 32-byte key: HKDF-SHA256 with an empty salt and the device's name in the info."""
    if len(master) < KEY_BYTES:
        raise Rejected("master", f"the master secret is shorter than {KEY_BYTES} bytes", fix="Draw 32 random bytes.")
    drawn = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(drawn, _HKDF_INFO + device.encode() + b"\x01", hashlib.sha256).digest()


def read_challenge(text: str) -> Challenge:
    """The digits on the screen, grouped as anyone likes, and the number of the lock after them if it was given."""
    found = _CHALLENGE.fullmatch(re.sub(r"[\s-]", "", text))
    if found is None:
        raise Rejected(
            "question",
            f"{text[:40]!r} is not {DIGITS} digits, with or without the number of the lock",
            fix="Read the digits on the screen again; the number of the lock looks like 3.17.",
        )
    pair = (int(found["epoch"]), int(found["counter"])) if found["epoch"] else None
    return Challenge(digits=found["digits"], pair=pair)


def lock_number(pair: Pair) -> str:
    """How the screen shows which lock it is."""
    return f"{pair[0]}.{pair[1]}"


def unlock_code(key: bytes, question: str, *, pair: Pair) -> str:
    """What the service answers to the digits on the screen of one lock; raises `Rejected("question")`."""
    if len(question) != DIGITS:
        raise Rejected(
            "question", f"{question[:40]!r} is not {DIGITS} digits", fix="Read the digits on the screen again."
        )
    epoch, counter = pair
    return ocra(SUITE, key, question=question, counter=(epoch & _HALF) << 32 | counter & _HALF)


def ask(entropy: bytes) -> Question:
    """A fresh question out of at least 16 random bytes."""
    if len(entropy) < ENTROPY_BYTES:
        raise Rejected("entropy", f"fewer than {ENTROPY_BYTES} random bytes", fix="Draw them from a secure generator.")
    return Question(digits=str(int.from_bytes(entropy, "big") % 10**DIGITS).zfill(DIGITS))


def is_answer(question: Question, code: str, *, key: bytes, pair: Pair, now_s: int) -> bool:
    """Whether the code answers the question of this lock now; False while the wait after a wrong one runs."""
    given, right = code.replace(" ", "").encode(errors="replace"), unlock_code(key, question.digits, pair=pair)
    return not _waits(question, now_s) and hmac.compare_digest(given, right.encode())


def after_wrong(question: Question, *, now_s: int, entropy: bytes) -> Question:
    """The question after a wrong answer: a longer wait, and another question after the fifth."""
    if _waits(question, now_s):
        return question
    wrong = question.wrong + 1
    wait_s = min(FIRST_WAIT_S << min(wrong - 1, 20), LONGEST_WAIT_S)
    if wrong >= MAX_WRONG:
        return replace(ask(entropy), not_before_s=now_s + LONGEST_WAIT_S)
    return replace(question, wrong=wrong, not_before_s=now_s + wait_s)


def _waits(question: Question, now_s: int) -> bool:
    # A wait longer than the longest one means the clock was turned back: then nobody waits.
    return now_s < question.not_before_s <= now_s + LONGEST_WAIT_S
