"""A bucket as a target: what the public is served, swaps by condition, and errors that say what to do."""

import base64
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote

import pytest

from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected, Trouble, Unavailable
from custody.ledger.tiles import TileId
from custody.store.log_bucket import Bucket
from tests.contracts_log.places import Door, Place, export
from tests.contracts_log.small_house import add_records, opened_house, raises
from tests.servers.answers import serving
from tests.servers.s3 import S3Server

TILE = TileId(level=0, number=0).path


def test_logs_under_different_prefixes_do_not_see_each_other(bucket: str) -> None:
    one, other, top = Bucket(f"s3://{bucket}/a"), Bucket(f"s3://{bucket}/ab/"), Bucket(f"s3://{bucket}")
    one.put(TILE, b"one")
    other.put("tile/0/001", b"other")
    assert (one.sizes(), other.sizes(), top.sizes()) == ({TILE: 3}, {"tile/0/001": 5}, {})
    assert other.read(TILE) is None


@pytest.mark.parametrize("condition", ["etag", "disabled"])
def test_a_swap_replaces_what_was_read_and_nothing_else(
    bucket: str, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", condition)
    target = Bucket(f"s3://{bucket}/log")
    target.swap("checkpoint", b"1", held=None)
    first = target.read("checkpoint")
    target.swap("checkpoint", b"2", held=first)
    for held in (None, first):
        with raises(Conflict, "moved"):
            target.swap("checkpoint", b"3", held=held)
    second = target.read("checkpoint")
    assert second is not None
    assert second.data == b"2"
    target.put("checkpoint", b"2 again")
    target.put("checkpoint", b"2")
    target.swap("checkpoint", b"3", held=second)


def test_a_swap_whose_answer_was_lost_is_taken_for_done(bucket: str) -> None:
    target = Bucket(f"s3://{bucket}/log")
    for _ in range(2):
        target.swap("checkpoint", b"1", held=None)
    held = target.read("checkpoint")
    for _ in range(2):
        target.swap("checkpoint", b"2", held=held)


ASKS: tuple[Callable[[Bucket], object], ...] = (
    lambda target: target.read("checkpoint"),
    lambda target: target.sizes(),
    lambda target: target.put(TILE, b"1"),
    lambda target: target.swap("checkpoint", b"1", held=None),
)


def refusal(address: str) -> Trouble:
    """How a bucket that cannot be used says so, whatever is asked of it."""
    said = []
    for ask in ASKS:
        with pytest.raises(Trouble) as caught:
            ask(Bucket(address))
        said.append(caught.value)
    assert len({(type(each), each.code, each.fix) for each in said}) == 1, said
    assert "not-a-secret" not in "".join(each.detail + each.fix for each in said)
    return said[0]


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    trouble = refusal(f"s3://{bucket}-not/log")
    assert isinstance(trouble, NotFound)
    assert trouble.code == "bucket"
    assert f"s3://{bucket}-not/log" in trouble.detail


@pytest.mark.parametrize("missing", [["AWS_SECRET_ACCESS_KEY"], ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]])
def test_missing_credentials_are_asked_for_in_the_environment(
    bucket: str, monkeypatch: pytest.MonkeyPatch, missing: list[str]
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    monkeypatch.setattr("custody.store.log_bucket.TRIES", 0)
    trouble = refusal(f"s3://{bucket}/log")
    assert isinstance(trouble, Forbidden)
    assert "AWS_ACCESS_KEY_ID" in trouble.fix


def test_credentials_that_the_store_does_not_know_are_to_be_checked(bucket: str, s3_server: S3Server) -> None:
    with s3_server.knowing_nobody():
        trouble = refusal(f"s3://{bucket}/log")
    assert isinstance(trouble, Forbidden)
    assert "InvalidAccessKeyId" in trouble.detail
    assert "list, read and write" in trouble.fix


def test_an_endpoint_that_does_not_answer_is_a_passing_trouble(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("custody.store.log_bucket.TRIES", 0)
    trouble = refusal(f"s3://{bucket}/log")
    assert isinstance(trouble, Unavailable)
    assert "AWS_ENDPOINT_URL" in trouble.fix


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with credentials for Azure's store; nothing is tried again."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "logs")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(bytes(64)).decode())
    monkeypatch.setattr("custody.store.log_bucket.TRIES", 0)
    return monkeypatch


def test_azures_endpoint_is_asked_for_by_its_own_names(azure: pytest.MonkeyPatch) -> None:
    azure.setenv("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:1/logs")
    without_tls = refusal("az://logs/one")
    assert (type(without_tls), "AZURE_ALLOW_HTTP" in without_tls.fix) == (Rejected, True)
    azure.setenv("AZURE_ALLOW_HTTP", "true")
    silent = refusal("az://logs/one")
    assert (type(silent), "AZURE_STORAGE_ENDPOINT" in silent.fix) == (Unavailable, True)


def test_credentials_that_cannot_be_read_are_to_be_checked(azure: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text("{}", encoding="ascii")
    azure.setenv("AZURE_STORAGE_ACCOUNT_KEY", "!!")
    for name, address in (
        (tmp_path / "account.json", "gs://logs/one"),
        (tmp_path / "none.json", "gs://logs/one"),
        ("", "az://logs/one"),
    ):
        azure.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(name))
        trouble = refusal(address)
        assert (type(trouble), trouble.code) == (Forbidden, "credentials")


@pytest.mark.parametrize("endpoint", ["localhost:9000", "storage", "https://"])
def test_an_endpoint_that_is_no_address_is_to_be_written_with_its_scheme(
    bucket: str, azure: pytest.MonkeyPatch, endpoint: str
) -> None:
    for name, address in (("AWS_ENDPOINT_URL", f"s3://{bucket}/log"), ("AZURE_STORAGE_ENDPOINT", "az://logs/one")):
        azure.setenv(name, endpoint)
        trouble = refusal(address)
        assert (type(trouble), trouble.code) == (Rejected, "address")
        assert name in trouble.fix


class CutOff(BaseHTTPRequestHandler):
    """An endpoint that ends in the middle of every answer."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 05 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(b"<?xml")

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("ask", [lambda target: target.read("checkpoint"), lambda target: target.sizes()])
def test_an_answer_that_breaks_off_is_a_passing_trouble(
    bucket: str, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Bucket], object]
) -> None:
    monkeypatch.setattr("custody.store.log_bucket.TRIES", 0)
    with serving(CutOff) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(Unavailable, match="body") as caught:
            ask(Bucket(f"s3://{bucket}/log"))
    assert "export again later" in caught.value.fix


def test_what_is_gone_already_keeps_nothing_else_from_being_taken_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stands = {"one%2F" + quote(f"tile/0/{number:03}", safe="") for number in range(40)}

    class Google(BaseHTTPRequestHandler):
        """Google's answers to DELETE: 404 for an object that is not there."""

        def do_DELETE(self) -> None:
            name = self.path.removeprefix("/logs/")
            status = 204 if name in stands else 404
            stands.discard(name)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    paths = [f"tile/0/{number:03}" for number in range(40)]
    with serving(Google) as address:
        account = {"gcs_base_url": address, "disable_oauth": True, "client_email": "", "private_key": ""}
        (tmp_path / "account.json").write_text(json.dumps({**account, "private_key_id": ""}))
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
        target = Bucket("gs://logs/one")
        for _ in range(2):
            target.remove(["tile/0/none", *paths])
            assert not stands


def test_an_endpoint_without_tls_must_be_allowed(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    trouble = refusal(f"s3://{bucket}/log")
    assert isinstance(trouble, Rejected)
    assert "AWS_ALLOW_HTTP" in trouble.fix


@pytest.mark.parametrize("path", [TILE, "checkpoint"])
def test_who_may_not_write_is_told_so(bucket: str, s3_server: S3Server, path: str) -> None:
    s3_server.set_rules(bucket, denied="s3:PutObject")
    target = Bucket(f"s3://{bucket}/log")
    with raises(Forbidden, "credentials"):
        target.put(path, b"1")
    with raises(Forbidden, "credentials"):
        target.swap(path, b"1", held=None)


def test_a_bucket_that_lets_nothing_be_deleted_gets_whole_exports(
    sqlite_url: str, bucket: str, s3_server: S3Server
) -> None:
    s3_server.set_rules(bucket, denied="s3:DeleteObject")
    house, place = opened_house(sqlite_url), Place(f"s3://{bucket}/log")
    for more, left in ((199, 0), (100, 0), (1, 2), (0, 2)):
        add_records(house, more)
        done = export(Door(house), place.target())
        assert (done.removed, done.left) == (0, left)
    assert done.size == 301
    assert "tile/0/000.p/200" in place.files()
    assert place.audit() == []


@pytest.mark.parametrize("address", ["ftp://shelf/log", "s3://", "s3:///log", "http://shelf/log", "file:///log"])
def test_what_is_no_bucket_is_refused(address: str) -> None:
    with raises(Rejected, "address"):
        Bucket(address)


@pytest.mark.parametrize("address", ["s3://name:not-a-secret@shelf/log", "s3://shelf/log?secret=not-a-secret"])
def test_credentials_in_the_address_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(Rejected) as caught:
        Bucket(address)
    assert "not-a-secret" not in caught.value.detail + caught.value.fix
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix
