"""Locks and releases connected handsets again and again, kills service and broker at random: figures as JSON.

    python -m tests.benchmarks.weaklink_locks --handsets 200 --cycles 1000 --kills 40
    python -m tests.benchmarks.weaklink_locks --handsets 200 --cycles 1000 --kills 40 --postgresql --workers 2

One cycle: one person asks for the lock of a handset, another decides it, the handset locks and says so, one person
releases it, the handset is free and says so. Some handsets are off when the lock is decided, and some when it is
released. Kill -9 falls on the whole service and on its broker alone, in turn and at random moments. In the end some
handsets stay locked by a live order; every other one is free. Then every handset must be what is wished of it, must
have applied its commands in rising order only, and the audit of the whole database must have nothing to complain of.
"""

import argparse
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

from sqlmodel import Session

from api.settings import read_settings
from custody.store.engine import open_engine
from devicelock import store
from devicelock.rules.ack import AckResult
from devicelock.rules.applied import Applied
from simulators.lock_fleet import CAPS, PATIENCE_S, Desk, Missed, desk_of, missed_handsets
from tests.benchmarks.weaklink_kills import database
from tests.crashes.instances import Killable, broker_of, killable

CALLERS = 6
OFF_SHARE = 0.06
BETWEEN_S = 2.5
KEPT_LOCKED = 10
"""One in so many handsets stays locked at the end."""

ACTIVE, OVER = ("active_provisional", "active_confirmed"), ("released", "cancelled")


@dataclass(slots=True, kw_only=True)
class Soak:
    """What was done so far; several threads add to it."""

    cycles: int
    seed: int
    free: "queue.SimpleQueue[Missed]" = field(default_factory=queue.SimpleQueue)
    done: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    begun: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        """Whether every cycle was done, or one failed."""
        return len(self.done) >= self.cycles or bool(self.failed)

    def take(self) -> int | None:
        """The number of the next cycle; None if there is none."""
        with self.guard:
            if self.begun >= self.cycles or self.failed:
                return None
            self.begun += 1
            return self.begun


def main(arguments: list[str]) -> None:
    """Parse what is wanted, do it and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handsets", type=int, default=200)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    chosen = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="weaklink-locks-"))
    with (
        database(on=chosen.postgresql) as url,
        killable(folder / "data", database_url=url, workers=chosen.workers, settings=CAPS) as service,
    ):
        figures = soak(service, folder, handsets=chosen.handsets, cycles=chosen.cycles, kills=chosen.kills)
    json.dump({**vars(chosen), **figures}, sys.stdout)
    sys.stdout.write("\n")


def soak(service: Killable, folder: Path, *, handsets: int, cycles: int, kills: int) -> dict[str, object]:
    """Connect everybody, lock and release while service and broker are killed, let it come to rest, and audit."""
    began = time.perf_counter()
    fleet = missed_handsets(service.staff("supervisor-1").client, count=handsets, seed=5, folder=folder)
    try:
        connected = sum(missed.radio.switch_on() for missed in fleet)
        ready_s = time.perf_counter() - began
        run = Soak(cycles=cycles, seed=kills)
        for missed in fleet:
            run.free.put(missed)
        desks = [desk_of(service.connect(), service.instance.accounts) for _ in range(CALLERS)]
        callers = [threading.Thread(target=cycle_on, args=(desk, run)) for desk in desks]
        for caller in callers:
            caller.start()
        killed = kill_at_random(service, run, kills)
        for caller in callers:
            caller.join()
        if run.failed:
            raise AssertionError("\n".join(run.failed))
        cycled_s = time.perf_counter() - began - ready_s
        locked = rest(service, fleet)
        commands = sum(applied_in_order(missed) for missed in fleet)
        service.audit(handsets=[missed.radio.handset for missed in fleet])
        as_wished(service, fleet)
    finally:
        for missed in fleet:
            missed.radio.switch_off()
    took = sorted(run.done)
    return {
        "connected": connected,
        "cycles_done": len(took),
        "killed": killed,
        "commands_applied": commands,
        "kept_locked": locked,
        "cycle_p50_s": round(took[len(took) // 2], 2),
        "cycle_worst_s": round(took[-1], 2),
        "prepared_s": round(ready_s, 1),
        "cycled_s": round(cycled_s, 1),
        "wall_s": round(time.perf_counter() - began, 1),
        "complaints": 0,
    }


def cycle_on(desk: Desk, run: Soak) -> None:
    """One desk of three people: cycle after cycle, each on the handset that has rested longest."""
    while (number := run.take()) is not None:
        missed = run.free.get()
        began = time.perf_counter()
        try:
            cycle(desk, missed, Random(f"{run.seed}/{number}"))  # noqa: S311 - the same choices every time
        except Exception as error:  # noqa: BLE001 - whatever it is, the soak has failed and says why
            run.failed.append(f"cycle {number} on {missed.radio.handset.device}: {type(error).__name__}: {error}")
        run.done.append(time.perf_counter() - began)
        run.free.put(missed)


def cycle(desk: Desk, missed: Missed, rng: Random) -> None:
    """Lock and release one handset; now and then it is off while either is decided."""
    radio = missed.radio
    off_for_lock, off_for_release = rng.random() < OFF_SHARE, rng.random() < OFF_SHARE
    if off_for_lock:
        radio.switch_off()
    order = desk.lock(missed)
    if off_for_lock:
        radio.switch_on()
    shown(missed, Applied.LOCKED)
    desk.until(order, *ACTIVE)
    if off_for_release:
        radio.switch_off()
    desk.release(order)
    if off_for_release:
        assert radio.handset.state.applied is Applied.LOCKED, "a handset that is off changes nothing"
        radio.switch_on()
    shown(missed, Applied.UNLOCKED)
    desk.until(order, *OVER)


def shown(missed: Missed, state: Applied) -> None:
    """Wait until the handset is that."""
    reached = missed.radio.wait_for(lambda handset: handset.state.applied is state, timeout_s=PATIENCE_S)
    assert reached, f"{missed.radio.handset.device} is not {state}"


def kill_at_random(service: Killable, run: Soak, kills: int) -> dict[str, int]:
    """Kill the service or its broker, each at a moment of its own, for as long as there are cycles."""
    rng = Random(run.seed)  # noqa: S311 - the same moments every time, as far as a machine keeps time
    killed = {"service": 0, "broker": 0}
    for number in range(kills):
        # The kills are spread over the cycles, so that none falls when nothing is left to do.
        while len(run.done) < run.cycles * (number + rng.random()) / (kills + 1) and not run.is_over:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, BETWEEN_S / 10))
        if run.is_over:
            break
        if number % 2:
            with suppress(ProcessLookupError):
                os.kill(broker_of(service.instance), signal.SIGKILL)
                killed["broker"] += 1
        else:
            service.kill()
            killed["service"] += 1
        sys.stderr.write(f"\r{sum(killed.values())} kills, {len(run.done):,} cycles ")
        sys.stderr.flush()
    return killed


def rest(service: Killable, fleet: Sequence[Missed]) -> int:
    """Lock one handset in ten and leave it so; then everything is as it was decided last. Returns how many."""
    desk = desk_of(service.connect(), service.instance.accounts)
    kept = fleet[::KEPT_LOCKED]
    for missed in kept:
        order = desk.lock(missed)
        shown(missed, Applied.LOCKED)
        desk.until(order, *ACTIVE)
    return len(kept)


def applied_in_order(missed: Missed) -> int:
    """Each command that the handset applied had a higher counter than the one before, or was that very one again."""
    applied = [ack for ack in missed.radio.acks if ack.result is AckResult.APPLIED]
    for before, after in pairwise(applied):
        again = before.command_id == after.command_id
        assert after.pair > before.pair or (again and after.pair == before.pair), f"{before} and then {after}"
    return len({ack.command_id for ack in applied})


def as_wished(service: Killable, fleet: Sequence[Missed]) -> None:
    """Every handset is what its row in the database wishes, by the newest command it was ever sent."""
    settings = read_settings(data=service.instance.data, database_url=service.database_url)
    engine = open_engine(settings.database)
    with Session(engine) as session:
        for place, missed in enumerate(fleet):
            state = missed.radio.handset.state
            wished = store.desired(store.device(session, state.device))
            kept = Applied.LOCKED if place % KEPT_LOCKED == 0 else Applied.UNLOCKED
            assert state.applied is wished.state is kept, f"{state.device} is {state.applied}, wished {wished.state}"
            assert wished.issued is None or state.pair == wished.issued.pair, f"{state.device} missed a command"
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:])
