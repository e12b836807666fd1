"""More processes at the same address, so that taking scans in uses more than one core.

Each of them is a whole door: it answers every request, has an intake of its own and takes its turn at the log's head.
Only the first process has what there must be one of: broker, relay, timer, witnesses' desk, the keeper of heads, the
copier of pages. A worker tells it of every commit by one byte, and ends when it ends, however that went. The first
process deals each new connection to one of them in turn (`connections.py`); the database keeps them consistent, as it
does several machines.
"""

import contextlib
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

import structlog

from api.process.connections import hand_on
from api.settings import Settings
from custody.store.unit import House

GROWN, POSTED, READY, FULL = b"g", b"p", b"r", b"f"
AGAIN_S = 1.0
STOP_S = 10.0
HEARD_BYTES = 4096

Work = Callable[[Settings, socket.socket], None]

log = structlog.get_logger()


class Workers:
    """Starts the further processes, hears of their commits, and starts one again that has died."""

    def __init__(self, settings: Settings, work: Work, house: House) -> None:
        self._settings = settings
        self._work = work
        self._house = house
        self._stopping = threading.Event()
        self._lines: set[socket.socket] = set()
        self._ready: tuple[socket.socket, ...] = ()
        self._heard = threading.Lock()
        self._turn = 0
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(1, settings.workers)
        ]

    def start(self) -> None:
        """Start them."""
        for each in self._threads:
            each.start()

    def deal(self, connection: socket.socket) -> bool:
        """Hand a new connection to the worker whose turn it is; False if it is this process's own turn."""
        ready = self._ready
        self._turn = (self._turn + 1) % (len(ready) + 1)
        return self._turn > 0 and hand_on(ready[self._turn - 1], connection)

    def stop(self) -> None:
        """Let each finish what it has taken, and wait until all are gone."""
        self._stopping.set()
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for each in self._threads:
            each.join()

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # of a process started here too: it ends with ours
        while not self._stopping.is_set():
            try:
                process = self._until_it_ends()
            except OSError as error:  # no file or no memory is free for it, at this moment
                log.warning("a worker could not be started, and will be", error=repr(error))
            else:
                if not self._stopping.is_set():
                    log.warning("a worker ended and is started again", exit=process.exitcode)
            self._stopping.wait(AGAIN_S)

    def _until_it_ends(self) -> SpawnProcess:
        """Start a worker and hear it until it is gone; raises `OSError` if it cannot be started."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                context = multiprocessing.get_context("spawn")
                process = context.Process(target=self._work, args=(self._settings, theirs), daemon=True)
                process.start()
            self._lines.add(ours)
            self._hear(ours)
            self._deal_to(ours, ready=False)
            self._lines.discard(ours)
        process.join(STOP_S)
        if process.is_alive():
            process.kill()
            process.join()
        return process

    def _hear(self, ours: socket.socket) -> None:
        """Pass on what the worker says, until it is gone or this process stops."""
        while not self._stopping.is_set():
            try:
                told = ours.recv(HEARD_BYTES)
            except ConnectionResetError:  # it died with something in the line that it had not taken
                return
            if not told:
                return
            last = max(READY, FULL, key=told.rfind)
            if last in told:
                self._deal_to(ours, ready=last == READY)
            self._house.after_commit()
            if POSTED in told:
                self._house.after_post()

    def _deal_to(self, ours: socket.socket, *, ready: bool) -> None:
        """From now on deal connections to this worker, or no more."""
        with self._heard:
            others = tuple([line for line in self._ready if line is not ours])
            self._ready = (*others, ours) if ready else others


def tell_first(house: House, line: socket.socket) -> None:
    """Make a worker's house tell the first process of its commits; it never waits for it."""

    def say(word: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # one that has much to hear is awake anyway
            line.send(word, socket.MSG_DONTWAIT)

    house.after_commit = lambda: say(GROWN)
    house.after_post = lambda: say(POSTED)


def tell_ready(line: socket.socket) -> None:
    """Tell the first process that connections may come."""
    with contextlib.suppress(BrokenPipeError):  # it is gone already, as the line tells next
        line.send(READY)


def tell_full(line: socket.socket) -> None:
    """Tell the first process that no more connections may come until it is told so again."""
    with contextlib.suppress(BrokenPipeError):
        line.send(FULL)
