"""The IMEI list as a back-end: what stands in the wishes and not on the list is published, and the other way round.

- A lock waits for the next `publish`; a release is published and delivered at once, in a delta of its own, so that it
  never waits for additions. `publish` too sends removals first and additions in a later delta.
- An entry needs two people: `grounds` tells on whose authority an order rests, and only `Basis.TWO_PEOPLE` with two
  different references is taken, when the lock is asked for and again when it is published.
- Every entry ends: at the deadline of the lock's screen.
- A file changes the list by no more than a share of it (`Limits`): of many additions as many go out at a time as that
  allows, those that have waited longest first. Removals that were asked for, and rows that ended, are never held back;
  rows that no wish accounts for are (the memory may have been lost).
- `applied` is known only from the operator's word: `imported(seq)` says up to which file it has loaded the list. The
  word may go down, after a restore at the operator's side.
- The register blocks the network and nothing else: no message is shown and emergency calls are the network's affair.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import RLock

from custody.kernel.clock import Clock
from custody.kernel.errors import Conflict, Forbidden, Rejected
from custody.kernel.keys import Signer
from devicelock.backends.asserted import AssertedBackend, Confirmation, Sent
from devicelock.backends.book import Book, Wish
from devicelock.backends.contract import BackendAnswer, Capabilities
from devicelock.backends.eir_folder import EirFolder
from devicelock.backends.eir_list import EirEntry, EirFileKind, ImeiStatus, Limits, Publication, publish, read_imei
from devicelock.rules.applied import Applied
from devicelock.rules.command import HOLD_MAX_S, REASONS, Authority, Basis, Op, Reason

NAME = "eir"
PEOPLE = 2

CAPABILITIES = Capabilities(
    shows_contact=False,
    offline_lock=False,
    offline_unlock=False,
    user_can_leave=False,
    survives_reset=True,
    holds_without_passcode=True,
    blocks_network_only=True,
    holds_before_setup=True,
    command_life_s=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGround:
    """On what an entry rests, why, and how the register is to treat the handset."""

    authority: Authority
    reason: Reason
    status: ImeiStatus = ImeiStatus.BLACKLISTED


Grounds = Callable[[str], ListGround | None]
"""The ground of an order, or None if it has none."""

Outlet = Callable[[Publication], None]
"""Hands a delta to the operator; raises `Unavailable`. It may see the same file twice, never another of its number."""


class EirBackend(AssertedBackend):
    """The list, as a `Backend` and with what a list needs besides."""

    def __init__(
        self,
        *,
        book: Book,
        clock: Clock,
        folder: EirFolder,
        signer: Signer,
        issuer: str,
        grounds: Grounds,
        outlet: Outlet,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(name=NAME, capabilities=CAPABILITIES, wire=_EirWire(self), book=book, clock=clock)
        self._folder = folder
        self._signer = signer
        self._issuer = issuer
        self._grounds = grounds
        self._outlet = outlet
        self._limits = limits or Limits()
        self._press = RLock()  # one file after another: numbers have no gaps and no twins

    @property
    def entries(self) -> dict[str, EirEntry]:
        """The list as it was last published, by whichever process, by IMEI."""
        self._folder.refresh()
        return dict(self._folder.entries)

    @property
    def folder(self) -> EirFolder:
        """The published files."""
        return self._folder

    @property
    def whole_is_old(self) -> bool:
        """Whether something was published since the last whole list."""
        self._folder.refresh()
        return self._folder.seq > self._folder.full_seq

    def publish(self) -> int:
        """Publish what has changed, removals first, and deliver it; returns the number of the newest delta."""
        with self._press:
            self._folder.refresh()
            self._publish()
            self.deliver()
            return self._folder.seq

    def _publish(self) -> None:
        self._remove([imei for imei, entry in self._folder.entries.items() if self._is_over(imei, entry)])
        self.deliver()  # what follows may be refused, and a removal waits for nothing
        lost = [imei for imei in self._folder.entries if self._book.get(imei) is None]
        before = len(self._folder.entries)
        if lost:
            self._limits.check(before=before, after=before - len(lost))
            self._remove(lost)
        # What is asked later may be asked for longer: the end of that tells which has waited longest.
        waiting = sorted(self._book, key=lambda wish: (wish.not_after_ms, wish.handset))
        additions = [entry for wish in waiting if (entry := self._addition(wish)) is not None]
        changed = [entry for entry in additions if entry.imei in self._folder.entries]
        fresh = [entry for entry in additions if entry.imei not in self._folder.entries]
        portion = changed + fresh[: self._limits.allowed(len(self._folder.entries))]
        if portion:
            self._write(portion)

    def publish_full(self) -> Publication:
        """The whole list as a file; refused if it is much shorter than the last one."""
        with self._press:
            self._folder.refresh()
            if not self._folder.seq:
                raise Conflict("eir_empty", "nothing was ever published", fix="Wait for the first entry.")
            return self._publish_full() if self.whole_is_old else self._folder.full(self._folder.full_seq)

    def _publish_full(self) -> Publication:
        entries = list(self._folder.entries.values())
        if len(entries) < self._folder.full_size:  # what it has grown by was bounded in each portion
            self._limits.check(before=self._folder.full_size, after=len(entries))
        made = publish(
            EirFileKind.FULL, self._folder.seq, entries, issuer=self._issuer, at_s=self._now_s(), signer=self._signer
        )
        self._folder.write(made, entries)
        return made

    def deliver(self) -> None:
        """Hand the deltas not taken yet to the outlet, in order; raises `Unavailable` at the first that fails."""
        with self._press:
            for seq in range(self._folder.delivered + 1, self._folder.seq + 1):
                self._outlet(self._folder.delta(seq))
                self._folder.set_delivered(seq)

    def imported(self, seq: int) -> None:
        """The operator's word that it has loaded every delta up to this number.

        A lower number than before is one who went back to a backup: what is missing is delivered again.
        """
        with self._press:
            self._folder.refresh()
            self._folder.set_imported(seq)

    def take(self, wish: Wish) -> BackendAnswer:
        """A wish as the list sees it: a lock waits for `publish`, a release goes out now."""
        if wish.state is Applied.LOCKED:
            self._ground(wish)
            return BackendAnswer.TAKEN
        with self._press:
            self._folder.refresh()
            if wish.handset in self._folder.entries:
                self._remove([wish.handset])
            self.deliver()
        return BackendAnswer.TAKEN

    def on_list(self, handset: str) -> bool | None:
        """Whether the operator holds the handset on its list; None is unknown."""
        return self._folder.on_list(handset)

    def _ground(self, wish: Wish) -> ListGround:
        ground = self._grounds(wish.order)
        if ground is None or ground.authority.basis is not Basis.TWO_PEOPLE:
            raise Forbidden("two_people", "an entry on an IMEI list needs two people", fix="Have a second one decide.")
        if len(set(ground.authority.references)) < PEOPLE:
            raise Forbidden("two_people", "the authority names one person", fix="Name both people in its references.")
        if ground.reason not in REASONS[Op.LOCK] or ground.status is ImeiStatus.WHITELISTED:
            raise Rejected("reason", f"{ground.reason} is no reason for a list", fix="Give a reason to lock.")
        return ground

    def _addition(self, wish: Wish) -> EirEntry | None:
        if wish.state is not Applied.LOCKED:
            return None
        current = self._current(wish.handset)
        if current is None or current.state is not Applied.LOCKED:
            return None
        held = self._folder.entries.get(wish.handset)
        until_s = wish.held_until_ms // 1000
        if held is not None and (held.case, held.valid_until_s) == (wish.order, until_s):
            return None
        if until_s > self._now_s() + HOLD_MAX_S:
            return None  # the clock was set back since; the wish waits, and holds no other row up
        try:
            ground = self._ground(wish)
        except Forbidden:
            return None  # who allowed it may have gone since; the wish waits, and nobody is listed without two people
        return EirEntry(
            imei=wish.handset,
            status=ground.status,
            reason=ground.reason,
            case=wish.order,
            valid_from_s=self._now_s(),
            valid_until_s=until_s,
            seq=self._folder.seq + 1,
        )

    def _is_over(self, imei: str, entry: EirEntry) -> bool:
        wish = self._current(imei)
        return entry.valid_until_s <= self._now_s() or (wish is not None and wish.state is not Applied.LOCKED)

    def _remove(self, imeis: list[str]) -> None:
        if imeis:
            self._write([self._removal(self._folder.entries[imei]) for imei in imeis])

    def _removal(self, entry: EirEntry) -> EirEntry:
        over = entry.valid_until_s <= self._now_s()
        reason = Reason.LAPSED if over else Reason.WITHDRAWN
        return replace(entry, status=ImeiStatus.WHITELISTED, reason=reason, seq=self._folder.seq + 1)

    def _write(self, entries: list[EirEntry]) -> None:
        made = publish(
            EirFileKind.DELTA,
            self._folder.seq + 1,
            entries,
            issuer=self._issuer,
            at_s=self._now_s(),
            signer=self._signer,
        )
        self._folder.write(made, entries)

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000


class _EirWire:
    """What the rules of the contract say to the list."""

    def __init__(self, backend: EirBackend) -> None:
        self._backend = backend

    def send(self, wish: Wish) -> Sent:
        try:
            known = read_imei(wish.handset) == wish.handset
        except Rejected:
            known = False
        return Sent(answer=self._backend.take(wish) if known else BackendAnswer.UNKNOWN_DEVICE)

    def imei(self, handset: str) -> str | None:
        return handset

    def look(self, wish: Wish) -> Confirmation:
        listed = self._backend.on_list(wish.handset)
        if listed is None:
            return Confirmation(applied=None, last_seen_ms=None)
        return Confirmation(applied=Applied.LOCKED if listed else Applied.UNLOCKED, last_seen_ms=None)
