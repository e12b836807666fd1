"""What every test may ask for: databases of both kinds, a browser, accessibility checks; and no network.

A server that this machine cannot have skips the tests that need it, with the reason; with CI=true it fails them, so
that a green CI has run everything. Hypothesis takes its profile from HYPOTHESIS_PROFILE, else `ci` on CI, else `dev`.
"""

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page

from api.people import accounts
from tests.servers.browser import BrowserMissing, axe_checker, local_page, running_browser
from tests.servers.postgres import PostgresMissing, PostgresServer, running_postgres
from tests.servers.s3 import S3Server, running_s3

ON_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

settings.register_profile(
    "dev", deadline=None, database=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, max_examples=100, print_blob=True)
settings.register_profile("long", settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if ON_CI else "dev"))


@pytest.fixture(autouse=True)
def plain_lines() -> Iterator[None]:
    """Have no test write its lines where one before it had them written."""
    yield
    structlog.reset_defaults()


NEEDS = {"postgres_server": "postgres", "own_postgres": "postgres", "browser": "browser"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests the marker of the server that their fixtures start, so that `-m "not postgres"` finds them."""
    for item in items:
        for fixture, marker in NEEDS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if "database_url" in getattr(item, "fixturenames", ()) and "postgresql" in item.name:
            item.add_marker("postgres")


def missing(reason: str) -> NoReturn:
    """End a test whose server is not to be had: skipped on a developer's machine, failed on CI."""
    if ON_CI:
        pytest.fail(f"{reason}; CI runs every test", pytrace=False)
    pytest.skip(reason)


def is_inside(family: int, address: Any) -> bool:
    """Tell whether a socket address stays on this machine."""
    if family == socket.AF_UNIX:
        return True
    host = str(address[0]).partition("%")[0] if isinstance(address, tuple) and address else ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections and look-ups that leave this machine: no test may depend on, or bother, the outside."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(address: object) -> NoReturn:
        raise AssertionError(f"a test tried to leave this machine for {address!r}; serve what it needs on 127.0.0.1")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        return connect(self, address) if is_inside(self.family, address) else refuse(address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        return connect_ex(self, address) if is_inside(self.family, address) else refuse(address)

    def guarded_getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in {None, "", "0.0.0.0", "::"} or is_inside(socket.AF_INET, (name,)):  # noqa: S104 - wildcards stay here
            return getaddrinfo(host, *rest, **named)
        return refuse(host)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def light_passwords() -> Iterator[None]:
    """Hash at next to no cost in this process: each service's five accounts took most of the time of its start."""
    patch = pytest.MonkeyPatch()
    patch.setattr(accounts, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Lend the session's PostgreSQL server; most tests want `postgres_url` or `database_url` instead."""
    yield from lent_postgres()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """Lend a PostgreSQL server to one test alone, which may stop, kill and start it."""
    yield from lent_postgres()


def lent_postgres() -> Iterator[PostgresServer]:
    """A server for as long as it is lent; a machine that has none skips."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as trouble:
        missing(str(trouble))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Lend the SQLAlchemy address of a fresh, empty PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Lend the session's S3 server; most tests want `bucket`."""
    with running_s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a fresh bucket that the public may read; the environment leads to it."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    name = f"shelf-{uuid.uuid4().hex[:12]}"
    s3_server.make_bucket(name)
    return name


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the SQLAlchemy address of a fresh, empty SQLite database in a file."""
    return f"sqlite:///{tmp_path / 'weaklink.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return a fresh database of each engine in turn: a rule of the store holds on both."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Lend a headless browser to one module; while it is up, playwright's event loop holds this thread for itself."""
    try:
        with running_browser() as program:
            yield program
    except BrowserMissing as trouble:
        missing(str(trouble))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Lend a page in a fresh context that may load only from 127.0.0.1."""
    with local_page(browser) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Lend the accessibility checker: it lists a page's violations, and a test wants an empty list."""
    try:
        return axe_checker()
    except BrowserMissing as trouble:
        missing(str(trouble))
