"""The hot path: taking scans in. The only file of the house that knows threads and futures.

Callers hand in parsed scans and are called back, or get a future. One writer thread takes whatever is waiting, as one
group:

1. verify every signature outside the transaction, on two threads (libsodium releases the interpreter lock); a batch
   has two for all its scans, the statement's and the seal's;
2. begin one unit, judge part by part and write what comes of it (`judge_group.py`);
3. seal and commit once; only then answer.

While one group commits the next one forms, so load makes the groups large and idleness keeps them small. If a group
fails, each of its jobs is tried alone, so that one of them cannot fail the others.

What is signed and parseable is kept whatever the verdict: in the log if an enrolled key signed it, in the quarantine
if the key is unknown or the signature is wrong. The same (station, sequence) with the same content is answered as
before; with other content both are kept. A scan whose statement was registered alone is judged when its opening comes,
after all others of the group; a record in the log says when that was.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from custody.kernel import cbor
from custody.kernel.cose import Sign1
from custody.kernel.errors import Rejected, Trouble, Unavailable
from custody.kernel.keys import PublicKey, read_cose_key
from custody.scans.batch import SealedBatch, check_seal
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.store import scan_book
from custody.store.unit import House
from custody.usecases.judge_group import Ack, Bench, Part, Sound

MAX_GROUP = 1_000
MAX_WAITING = 20_000
VERIFIERS = 2
VERIFY_CHUNK = 64

log = structlog.get_logger()


Answered = Callable[[list[Ack] | Trouble], None]
"""Is given one answer a scan, or why there is none; called on the writer's thread, so it must not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was handed in together and is answered together: `size` scans with statements of their own, or one batch."""

    parts: Sequence[Part]
    size: int
    answered: Answered


class Intake:
    """Takes scans in; one writer thread a process."""

    def __init__(self, house: House, tolerances: Tolerances) -> None:
        self._house = house
        self._tolerances = tolerances
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._stopping = False
        self._count = threading.Lock()
        self._keys: dict[bytes, PublicKey] = {}
        self._verifiers = ThreadPoolExecutor(VERIFIERS, thread_name_prefix="verify")
        self._writer = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Start the writer."""
        self._writer.start()

    def stop(self) -> None:
        """Finish what was handed in and stop."""
        with self._count:
            self._stopping = True
            self._jobs.put(None)
        self._writer.join()
        self._verifiers.shutdown()

    def submit(self, scans: Sequence[Scan]) -> "Future[list[Ack]]":
        """Hand scans in; the future has one answer a scan, after they are durable. Raises `Unavailable` when full."""
        return self._promise(scans)

    def submit_batch(self, sealed: SealedBatch) -> "Future[list[Ack]]":
        """Hand a batch in; as `submit`, and the future has `Rejected` if the seal is not the station's."""
        return self._promise([sealed])

    def hand_in(self, parts: Sequence[Part], answered: Answered) -> None:
        """Hand scans in, or one batch; as `submit`, but `answered` is called. Raises `Unavailable` when full."""
        size = sum([part.statement.count if isinstance(part, SealedBatch) else 1 for part in parts])
        with self._count:
            if self._stopping:
                raise Unavailable("stopping", "the service is stopping", fix="Keep the scans and send them again.")
            if self._waiting + size > MAX_WAITING:
                raise Unavailable("busy", "too many scans are waiting", fix="Keep the scans and send them again.")
            self._waiting += size
            self._jobs.put(Job(parts=parts, size=size, answered=answered))

    def _promise(self, parts: Sequence[Part]) -> "Future[list[Ack]]":
        future: Future[list[Ack]] = Future()

        def keep(outcome: list[Ack] | Trouble) -> None:
            if not future.set_running_or_notify_cancel():
                return  # the caller has given up; the scans are kept all the same
            if isinstance(outcome, Trouble):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.hand_in(parts, keep)
        return future

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                self._handle(group)
                with self._count:
                    self._waiting -= sum(job.size for job in group)

    def _next_group(self) -> tuple[list[Job], bool]:
        group, size = [], 0
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            size += job.size
            if size >= MAX_GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _handle(self, group: list[Job]) -> None:
        try:
            answers = self._accept([part for job in group for part in job.parts])
        except Exception as error:  # noqa: BLE001 - whatever it was, every waiting caller must get an answer
            if len(group) > 1:
                for job in group:
                    self._handle([job])
                return
            log.warning("scans could not be taken in", error=repr(error))
            _answer(group[0], [error if isinstance(error, Trouble) else _not_stored()])
            return
        position = 0
        for job in group:
            _answer(job, answers[position : position + len(job.parts)])
            position += len(job.parts)

    def _accept(self, parts: Sequence[Part]) -> list[list[Ack] | Trouble]:
        sound = self._verify(parts)
        with self._house.unit() as unit:
            return Bench(unit, parts, self._tolerances).answer(parts, sound)

    def _verify(self, parts: Sequence[Part]) -> list[Sound]:
        missing = {_message(part).kid for part in parts} - self._keys.keys()
        if missing:
            with self._house.read() as session:
                for kid, row in scan_book.station_keys(session, missing).items():
                    self._keys[kid] = read_cose_key(cbor.decode(row.cose_key))
        chunks = [parts[at : at + VERIFY_CHUNK] for at in range(0, len(parts), VERIFY_CHUNK)]
        results = (
            map(self._verify_chunk, chunks) if len(chunks) == 1 else self._verifiers.map(self._verify_chunk, chunks)
        )
        return [result for chunk in results for result in chunk]

    def _verify_chunk(self, parts: Sequence[Part]) -> list[Sound]:
        return [_is_sound(part, self._keys.get(_message(part).kid)) for part in parts]


def _message(part: Part) -> Sign1:
    return part.statement.message if isinstance(part, SealedBatch) else part.message


def _is_sound(part: Part, key: PublicKey | None) -> Sound:
    if key is None:
        return None
    try:
        _message(part).verify(key)
    except Rejected:
        return False
    if isinstance(part, SealedBatch):
        try:
            check_seal(part.batch, part.seal, key)
        except Rejected as refusal:
            return refusal
    return True


def _answer(job: Job, answers: Sequence[list[Ack] | Trouble]) -> None:
    trouble = next((answer for answer in answers if isinstance(answer, Trouble)), None)
    acks = [ack for answer in answers if not isinstance(answer, Trouble) for ack in answer]
    try:
        job.answered(trouble or acks)
    except Exception:  # whoever waits has gone, but the scans are durable and others wait behind them
        log.exception("an answer could not be given")


def _not_stored() -> Unavailable:
    return Unavailable("not_stored", "the scans could not be stored", fix="Keep them and send the same bytes again.")
