"""One process of a house, with everything in it but sockets and threads of its own."""

import sqlite3
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlmodel import col

from api import lock_news
from api.wired_office import wired_office
from custody.kernel.clock import SECOND_MS
from custody.kernel.ids import Ids
from custody.scans.tolerances import Tolerances
from custody.store.engine import open_engine
from custody.store.migrate import migrate
from custody.store.tables import OutboxRow
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.open_log import open_log
from custody.usecases.sweep_inquiries import is_inquiry_quiet, sweep_inquiries
from devicelock.anchor import AnchorFile
from devicelock.rules.caps import Caps
from devicelock.rules.command import CommandSigners
from devicelock.rules.topic import Channel, every
from devicelock.transport import Message
from devicelock.usecases.ask_again import ask_again, is_put_off_due
from devicelock.usecases.hear import hear
from devicelock.usecases.lock_office import ScreenTexts
from devicelock.usecases.relay import Relay
from devicelock.usecases.sweep import (
    is_lapse_due,
    is_lapse_near,
    is_silence_due,
    sweep_lapses,
    sweep_silences,
    tell_of_lapses,
)
from devicelock.watch_store import is_leaver_due
from simulators.broker import SimulatedBroker, SimulatedTransport
from tests.world_parts import ORIGIN, VERSIONS, Clock, key

SERVER = "server"
ROUNDS = 60
"""More rounds of delivery than any exchange of command, ack and hello takes; beyond it something goes in circles."""


class Process:
    """House, intake, lock office and relay over one database, and the broker they share with the handsets."""

    def __init__(self, url: str, folder: Path, ids: Ids) -> None:
        self.url, self.folder = url, folder
        self.clock, self.ids = Clock(), ids
        self.broker = SimulatedBroker(self.clock)
        self.heard: list[Message] = []
        self.caps = Caps()

    def open(self) -> None:
        """What a process does when it starts."""
        self.engine = open_engine(self.url)
        migrate(self.engine, *VERSIONS)
        self.house = House(
            self.engine,
            origin=ORIGIN,
            log_signer=key("log"),
            operator_signer=key("operator"),
            clock=self.clock,
            ids=self.ids,
        )
        keys = {"lock": key("lock").public.kid, "unlock": key("unlock").public.kid}
        open_log(self.house, registrar=key("registrar").public, rules={"lock_keys": keys})
        self.anchor = AnchorFile(self.folder / "anchor" / "locks.txt")
        self.anchor.start()
        self.office = wired_office(
            house=self.house,
            signers=CommandSigners(lock=key("lock"), unlock=key("unlock")),
            anchor=self.anchor,
            codes=b"codes of this world".ljust(32, b"."),
            screen=ScreenTexts(
                who="the network",
                why="It is missing.",
                phone="0800 000 000",
                recourse="the ombudsman",
                bought="Did you buy it? Tell us.",
            ),
            caps=self.caps,
        )
        self.line = SimulatedTransport(
            self.broker, SERVER, receive=self._hear, subscriptions=(every(Channel.ACK), every(Channel.HELLO))
        )
        self.relay = Relay(self.house, self.line, monotonic=lambda: self.clock.at_ms / SECOND_MS)
        self.intake = Intake(self.house, Tolerances())
        self.intake.start()
        self.line.start()

    def close(self) -> None:
        """End the process in good order."""
        self.line.drop()
        self.intake.stop()
        self.engine.dispose()

    def restart(self) -> None:
        """Another process over the same database and the same anchor."""
        self.close()
        self.open()

    def _hear(self, message: Message) -> bool:
        self.heard.append(message)
        return hear(self.office, message)

    def backup(self) -> bytes:
        """The SQLite database as it is now."""
        with closing(sqlite3.connect(make_url(self.url).database or "")) as source:
            return source.serialize()

    def restore(self, content: bytes) -> None:
        """Another process over an older copy; what was acknowledged since then is lost with it, and known to be."""
        self.close()
        path = Path(make_url(self.url).database or "")
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        path.write_bytes(content)
        self.open()

    def deliver(self) -> None:
        """Carry the outbox and the broker's queues until nothing moves any more."""
        for _ in range(ROUNDS):
            if not self.relay.carry() + self.broker.pump() and not self._wait_for_the_outbox():
                return
        raise AssertionError("the messages never come to rest")

    def _wait_for_the_outbox(self) -> bool:
        """Let the time pass that a message must wait before it leaves; tells whether there is one."""
        query = select(func.min(OutboxRow.created_ms)).where(col(OutboxRow.published_ms).is_(None))
        with self.house.read() as session:
            due_ms = session.scalar(query.where(col(OutboxRow.created_ms) > self.clock.at_ms))
        self.clock.at_ms = due_ms or self.clock.at_ms
        return due_ms is not None

    def outbox(self) -> list[OutboxRow]:
        """What has not left the house yet."""
        with self.house.read() as session:
            return list(session.scalars(select(OutboxRow).where(col(OutboxRow.published_ms).is_(None))).all())

    def waiting(self, client: str) -> deque[Any]:
        """What the broker holds for a client; a test may lose, repeat or shuffle it."""
        return self.broker._sessions[client].waiting

    def sweep(self) -> int:
        """What the service's timer does; nothing that a sweep would do is missed by the look before it."""
        with self.house.read() as session:
            now_ms = self.clock.at_ms + 2  # as the units below will read it, or a moment later
            due = is_lapse_due(session, now_ms=now_ms) or is_silence_due(session, self.office, now_ms=now_ms)
            put_off = is_put_off_due(session, now_ms=now_ms)
            near = is_lapse_near(session, now_ms=now_ms)
            news = is_leaver_due(session, now_ms=now_ms) or is_inquiry_quiet(session, now_ms=now_ms)
        with self.house.unit() as unit:
            moved = sweep_lapses(unit, self.office)
        with self.house.unit() as unit:
            moved += sweep_silences(unit, self.office)
        with self.house.unit() as unit:
            asked = ask_again(unit, self.office)
        with self.house.unit() as unit:
            lapses = tell_of_lapses(unit)
        with self.house.unit() as unit:
            told = lock_news.tell_leavers(unit) + sweep_inquiries(unit)
        assert due or not moved
        assert news or not told
        assert put_off or not asked
        assert near or not lapses
        return moved

    @property
    def size(self) -> int:
        """How long the log is."""
        with self.house.unit() as unit:
            return unit.log.size
