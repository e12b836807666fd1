"""Where a process has its connections from: it accepts them itself, or the first process hands them on.

Only the first process listens. It deals new connections in turn, so that a few that stay for long are spread evenly:
left to the kernel (SO_REUSEPORT) eight of them may all lie with one process, and two services may share one address.
A connection goes to a worker over the line between the two (`workers.py`), as SCM_RIGHTS of unix(7).
"""

import asyncio
import errno
import os
import resource
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog
import uvicorn

HANDED = b"c"
FILE = struct.Struct("i")
FILE_SPACE = socket.CMSG_SPACE(FILE.size)
REST_S = 1.0
ROOM = 16
"""So many files a process must be able to open before it takes a connection from the line: one that comes when it can
open none is lost."""

log = structlog.get_logger()


class Source(Protocol):
    """Where connections come from, as the event loop watches it."""

    def open(self) -> None:
        """From now on they may come."""

    def fileno(self) -> int:
        """What to watch."""

    def take(self) -> Iterator[socket.socket]:
        """Those that wait; raises `EOFError` if none will come any more, `OSError` if they cannot be taken now."""

    def close(self) -> None:
        """No more are wanted."""


class Accepted:
    """Connections accepted at a listening socket; `deal` takes those that are for another process."""

    def __init__(self, door: socket.socket, *, deal: Callable[[socket.socket], bool] = lambda _: False) -> None:
        self._door = door
        self._deal = deal

    def open(self) -> None:
        """Those that wait already are taken too."""
        self._door.setblocking(False)

    def fileno(self) -> int:
        """The listening socket."""
        return self._door.fileno()

    def take(self) -> Iterator[socket.socket]:
        """Those that are for this process."""
        while True:
            try:
                connection, _ = self._door.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            if self._deal(connection):
                connection.close()
            else:
                yield connection

    def close(self) -> None:
        """Refuse who comes now."""
        self._door.close()


class Handed:
    """Connections that come over the line from the first process, which is told when there is no room for them."""

    def __init__(self, line: socket.socket, *, ready: Callable[[], None], full: Callable[[], None]) -> None:
        self._line = line
        self.open = ready
        self._tell_full = full
        self._full = False

    def fileno(self) -> int:
        """The line."""
        return self._line.fileno()

    def take(self) -> Iterator[socket.socket]:
        """All that were handed on until now, while there is room."""
        while True:
            self._check_room()
            try:
                said, beside, _, _ = self._line.recvmsg(len(HANDED), FILE_SPACE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionResetError:
                said, beside = b"", []
            if not said:
                raise EOFError
            for _, _, file in beside:
                yield socket.socket(fileno=FILE.unpack(file)[0])

    def _check_room(self) -> None:
        """Raise `OSError` if few or no more files can be opened; the first process is told of it, and of its end."""
        try:
            _check_room_for(ROOM, self._line.fileno())
        except OSError:
            if not self._full:
                self._full = True
                self._tell_full()
            raise
        if self._full:
            self._full = False
            self.open()

    def close(self) -> None:
        """Say that no more may come; the line stays, and tells the first process of commits to the end."""
        self._tell_full()


def _check_room_for(count: int, file: int) -> None:
    """Raise `OSError` unless so many more files can be opened; the number that a copy of an open `file` gets tells."""
    lowest = os.dup(file)
    os.close(lowest)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most != resource.RLIM_INFINITY and lowest + count > most:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def hand_on(line: socket.socket, connection: socket.socket) -> bool:
    """Hand a connection to the process at the other end of the line; False if it is gone or has too many waiting."""
    try:
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, FILE.pack(connection.fileno()))]
        line.sendmsg([HANDED], beside, socket.MSG_DONTWAIT)  # send_fds of the library drops its flags
    except OSError:
        return False
    return True


class Server(uvicorn.Server):
    """A web server that serves the connections of one source, and ends when there will be no more.

    It ends once it is there if it was `told_to_stop` before.
    """

    def __init__(self, config: uvicorn.Config, source: Source, *, told_to_stop: threading.Event | None = None) -> None:
        super().__init__(config)
        self._source = source
        self._told_to_stop = told_to_stop or threading.Event()
        self._beginning: set[asyncio.Task[object]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take connections."""
        await super().startup(sockets=sockets or [])
        self.should_exit = self.should_exit or self._told_to_stop.is_set()
        self._source.open()
        self._watch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, finish those that are there, and stop the application."""
        asyncio.get_running_loop().remove_reader(self._source)
        self._source.close()
        await super().shutdown(sockets=sockets)

    def _watch(self) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._source, self._take)

    def _look(self) -> None:
        """Take those that waited, after a rest; a source that was full says so to whoever deals, if it is no longer."""
        self._watch()
        if not self.should_exit:
            self._take()

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for connection in self._source.take():
                connection.setblocking(False)
                begun = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
                self._beginning.add(begun)
                begun.add_done_callback(self._beginning.discard)
        except EOFError:
            loop.remove_reader(self._source)
            self.should_exit = True
        except OSError as error:
            log.warning("connections cannot be taken and wait", error=repr(error))
            loop.remove_reader(self._source)
            loop.call_later(REST_S, self._look)

    def _protocol(self) -> asyncio.Protocol:
        serve: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return serve(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
