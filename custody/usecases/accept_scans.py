"""The hot path: taking scans in. The only file of the house that knows threads.

Callers hand in parsed scans and are called back. Two threads take what is waiting, as groups:

1. the clerk verifies every signature outside any transaction (libsodium releases the interpreter lock meanwhile), and
   works out how each part will be filed (`file_part.py`); a batch has two signatures for all its scans, the statement's
   and the seal's;
2. the writer begins one unit, and only when it is its turn at the log's head does it gather all that the clerk has laid
   ready until then; it judges part by part and writes what comes of it (`judge_group.py`). What the clerk knew no key
   for it looks at again, because a key may have been enrolled since;
3. it seals and commits once; only then are callers answered.

While one group commits, or waits for its turn, the next one forms, so load makes the groups large and idleness keeps
them small. If a group fails, each of its jobs is tried alone, so that one of them cannot fail the others.

What is signed and parseable is kept whatever the verdict: in the log if an enrolled key signed it, in the quarantine,
while that has room, if the key is unknown or the signature is wrong. The same (station, sequence) with the same content
is answered as before; with other content both are kept. A scan whose statement was registered alone is judged when its
opening comes, after all others of the group; a record in the log says when that was.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog
from sqlmodel import Session

from custody.kernel import cbor
from custody.kernel.errors import Rejected, Trouble, Unavailable
from custody.kernel.keys import PublicKey, read_cose_key
from custody.scans.batch import SealedBatch, check_seal
from custody.scans.tolerances import Tolerances
from custody.store import scan_book
from custody.store.unit import House
from custody.usecases.file_part import Checked, ScanOrBatch, Unproven, file_part, statement_of
from custody.usecases.judge_group import Bench, ScanAnswer

MAX_GROUP = 1_000
MAX_WAITING = 20_000
MAX_CHECKED = 128
"""About so many scans the clerk checks before it lays them ready."""

log = structlog.get_logger()


Answered = Callable[[list[ScanAnswer] | Trouble], None]
"""Is given one answer a scan, or why there is none; called on a thread of the intake, so it must not wait."""


@dataclass(slots=True, kw_only=True)
class Job:
    """What was handed in together and is answered together: `size` scans with statements of their own, or one batch.

    `checked` is what the clerk found out about each part.
    """

    parts: Sequence[ScanOrBatch]
    size: int
    answered: Answered
    checked: Sequence[Checked] = ()


class JobLine:
    """Jobs that wait in their order for one thread, until it is closed and empty."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False

    def put(self, job: Job) -> None:
        """Put a job at the end."""
        self._jobs.put(job)

    def close(self) -> None:
        """Nothing comes after this."""
        self._jobs.put(None)

    def wait(self) -> Job | None:
        """The first job, as soon as there is one; None if none will come."""
        job = None if self._closed else self._jobs.get()
        self._closed = job is None
        return job

    def gather(self, first: Job, *, most: int) -> list[Job]:
        """The first job and those that wait behind it, until they are `most` scans or more."""
        group, size = [first], first.size
        while size < most and not self._closed:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._closed = True
            else:
                group.append(job)
                size += job.size
        return group


class Intake:
    """Takes scans in; one clerk and one writer a process."""

    def __init__(self, house: House, tolerances: Tolerances) -> None:
        self._house = house
        self._tolerances = tolerances
        self._jobs, self._ready = JobLine(), JobLine()
        self._waiting = 0
        self._stopping = False
        self._count = threading.Lock()
        self._keys: dict[bytes, PublicKey] = {}
        self._clerk = threading.Thread(target=self._make_ready, name="clerk", daemon=True)
        self._writer = threading.Thread(target=self._write, name="intake", daemon=True)

    def start(self) -> None:
        """Start both threads."""
        self._clerk.start()
        self._writer.start()

    def stop(self) -> None:
        """Finish what was handed in and stop."""
        with self._count:
            self._stopping = True
            self._jobs.close()
        self._clerk.join()
        self._writer.join()

    def hand_in(self, parts: Sequence[ScanOrBatch], answered: Answered) -> None:
        """Hand scans in, or one batch; `answered` is called after they are durable. Raises `Unavailable` when full."""
        size = sum([part.statement.count if isinstance(part, SealedBatch) else 1 for part in parts])
        with self._count:
            if self._stopping:
                raise Unavailable("stopping", "the service is stopping", fix="Keep the scans and send them again.")
            if self._waiting + size > MAX_WAITING:
                raise Unavailable("busy", "too many scans are waiting", fix="Keep the scans and send them again.")
            self._waiting += size
            self._jobs.put(Job(parts=parts, size=size, answered=answered))

    def _make_ready(self) -> None:
        """The clerk's work."""
        while (first := self._jobs.wait()) is not None:
            self._lay_ready(self._jobs.gather(first, most=MAX_CHECKED))
        self._ready.close()

    def _lay_ready(self, group: list[Job]) -> None:
        try:
            checked = iter(self._verify([part for job in group for part in job.parts]))
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiting caller must get an answer
            self._each_alone(group, error, self._lay_ready)
            return
        for job in group:
            job.checked = list(islice(checked, len(job.parts)))
            self._ready.put(job)

    def _write(self) -> None:
        """The writer's work."""
        while (first := self._ready.wait()) is not None:
            self._enter([first], gather=True)

    def _enter(self, group: list[Job], *, gather: bool = False) -> None:
        try:
            with self._house.unit() as unit:
                unit.log.claim()
                if gather:
                    group[:] = self._ready.gather(group[0], most=MAX_GROUP)
                parts = [part for job in group for part in job.parts]
                checked = self._look_again(unit.session, parts, [each for job in group for each in job.checked])
                answers = iter(Bench(unit, parts, self._tolerances).answer(parts, checked))
        except Exception as error:  # noqa: BLE001 - as in _lay_ready
            self._each_alone(group, error, self._enter)
            return
        for job in group:
            self._answer(job, list(islice(answers, len(job.parts))))

    def _each_alone(self, group: list[Job], error: Exception, again: Callable[[list[Job]], None]) -> None:
        """Try each job of a group that failed by itself; one that fails by itself is answered with what was wrong."""
        if len(group) > 1:
            for job in group:
                again([job])
            return
        log.warning("scans could not be taken in", error=repr(error))
        self._answer(group[0], [error if isinstance(error, Trouble) else _not_stored()])

    def _answer(self, job: Job, answers: Sequence[list[ScanAnswer] | Trouble]) -> None:
        trouble = next((answer for answer in answers if isinstance(answer, Trouble)), None)
        acks = [ack for answer in answers if not isinstance(answer, Trouble) for ack in answer]
        with self._count:
            self._waiting -= job.size
        try:
            job.answered(trouble or acks)
        except Exception:  # whoever waits has gone, but the scans are durable and others wait behind them
            log.exception("an answer could not be given")

    def _verify(self, parts: Sequence[ScanOrBatch]) -> list[Checked]:
        missing = {kid for part in parts if (kid := statement_of(part).message.kid) not in self._keys}
        if missing:
            with self._house.read() as session:
                self._learn(session, missing)
        return self._check(parts)

    def _look_again(
        self, session: Session, parts: Sequence[ScanOrBatch], checked: Sequence[Checked]
    ) -> Sequence[Checked]:
        strangers = [at for at, each in enumerate(checked) if each is Unproven.UNKNOWN_KEY]
        if not strangers:
            return checked
        unknown = [parts[at] for at in strangers]
        self._learn(session, {statement_of(part).message.kid for part in unknown})
        found = dict(zip(strangers, self._check(unknown), strict=True))
        return [found.get(at, each) for at, each in enumerate(checked)]

    def _learn(self, session: Session, kids: Iterable[bytes]) -> None:
        for kid, row in scan_book.station_keys(session, kids).items():
            self._keys[kid] = read_cose_key(cbor.decode(row.cose_key))

    def _check(self, parts: Sequence[ScanOrBatch]) -> list[Checked]:
        return [_check_part(part, self._keys.get(statement_of(part).message.kid)) for part in parts]


def _check_part(part: ScanOrBatch, key: PublicKey | None) -> Checked:
    if key is None:
        return Unproven.UNKNOWN_KEY
    try:
        statement_of(part).message.verify(key)
    except Rejected:
        return Unproven.FORGED
    if isinstance(part, SealedBatch):
        try:
            check_seal(part.batch, part.seal, key)
        except Rejected as refusal:
            return refusal
    return file_part(part)


def _not_stored() -> Unavailable:
    return Unavailable("not_stored", "the scans could not be stored", fix="Keep them and send the same bytes again.")
