"""Connections of a process: those it accepts itself, and those that the first process hands on."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.process.connections import ROOM, Accepted, Handed, hand_on


@contextmanager
def lines() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a line between processes."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def nothing() -> None:
    """Nobody needs to hear of it."""


@contextmanager
def no_more_files_than(most: int) -> Iterator[None]:
    """So many files may be open meanwhile."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


@contextmanager
def caller(door: socket.socket) -> Iterator[socket.socket]:
    """Somebody who has connected."""
    with socket.create_connection(door.getsockname()) as connection:
        yield connection


def test_what_is_dealt_to_another_process_arrives_there_and_stays_open() -> None:
    with lines() as (here, there), socket.create_server(("127.0.0.1", 0)) as door, caller(door) as outside:
        source = Accepted(door, deal=lambda connection: hand_on(here, connection))
        source.open()
        assert list(source.take()) == []
        (inside,) = Handed(there, ready=nothing, full=nothing).take()
        with inside:
            inside.sendall(b"here")
            assert outside.recv(4) == b"here"


def test_what_cannot_be_handed_on_is_served_by_the_first_process() -> None:
    with lines() as (here, there), socket.create_server(("127.0.0.1", 0)) as door, caller(door):
        there.close()
        source = Accepted(door, deal=lambda connection: hand_on(here, connection))
        source.open()
        (mine,) = source.take()
        mine.close()


def test_a_process_whose_first_one_is_gone_is_told_that_no_more_will_come() -> None:
    with lines() as (here, there):
        source = Handed(there, ready=nothing, full=nothing)
        assert list(source.take()) == []
        here.close()
        with pytest.raises(EOFError):
            list(source.take())


def test_connections_wait_while_no_more_files_can_be_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, caller(door) as outside:
        source = Accepted(door)
        source.open()
        with no_more_files_than(outside.fileno()), pytest.raises(OSError, match="Too many open files"):
            list(source.take())
        (mine,) = source.take()
        mine.close()


@pytest.mark.parametrize("room", [0, ROOM - 1])
def test_what_is_handed_to_a_process_without_room_waits_there_and_it_says_that_it_is_full(room: int) -> None:
    said: list[str] = []
    with lines() as (here, there), socket.create_server(("127.0.0.1", 0)) as door, caller(door) as outside:
        dealing = Accepted(door, deal=lambda connection: hand_on(here, connection))
        dealing.open()
        assert list(dealing.take()) == []
        source = Handed(there, ready=lambda: said.append("ready"), full=lambda: said.append("full"))
        with no_more_files_than(outside.fileno() + 1 + room):
            for _ in range(2):
                with pytest.raises(OSError, match="Too many open files"):
                    list(source.take())
        assert said == ["full"]
        (inside,) = source.take()
        with inside:
            inside.sendall(b"here")
            assert outside.recv(4) == b"here"
        assert said == ["full", "ready"]


def test_a_process_that_takes_no_more_says_so_before_it_is_gone() -> None:
    said: list[str] = []
    with lines() as (_, there):
        source = Handed(there, ready=lambda: said.append("ready"), full=lambda: said.append("full"))
        source.open()
        source.close()
    assert said == ["ready", "full"]
