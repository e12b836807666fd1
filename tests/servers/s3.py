"""Starts an S3 server for the tests (moto, in a process of its own, on a free port of 127.0.0.1) and ends it.

It keeps objects in memory and checks conditions (If-Match, If-None-Match) and the bucket's policy: an object is private
until the policy lets the public in. It does not check signatures.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from api.compose import free_port

HOST = "127.0.0.1"
START_S = 60.0
REGION = "eu-west-2"
SIGNED = f"AWS4-HMAC-SHA256 Credential=tester/20260101/{REGION}/s3/aws4_request"
PLACE = "CreateBucketConfiguration"


class S3Failed(Exception):
    """The server did not come up; the sentence carries the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server."""

    address: str

    def environment(self) -> dict[str, str]:
        """What a client needs; no look-up of a role may leave this machine."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_METADATA_ENDPOINT": f"http://{HOST}:1",
        }

    def make_bucket(self, name: str) -> None:
        """Make a bucket that the public may read, object by object."""
        self._put(name, f"<{PLACE}><LocationConstraint>{REGION}</LocationConstraint></{PLACE}>")
        self.set_rules(name)

    def set_rules(self, name: str, *, denied: str | None = None) -> None:
        """Let the public read a bucket's objects, and everybody do everything else but what is denied."""
        rules = [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]
        if denied:
            rules.append({"Effect": "Deny", "Principal": "*", "Action": denied})
        statements = [{**rule, "Resource": f"arn:aws:s3:::{name}/*"} for rule in rules]
        self._put(f"{name}?policy", json.dumps({"Version": "2012-10-17", "Statement": statements}))

    @contextmanager
    def knowing_nobody(self) -> Iterator[None]:
        """Refuse every key until the block ends."""
        self._check_keys("0")
        try:
            yield
        finally:
            self._check_keys("inf")

    def _check_keys(self, after: str) -> None:
        httpx.post(f"{self.address}/moto-api/reset-auth", content=after).raise_for_status()

    def get(self, path: str) -> httpx.Response:
        """What the public gets."""
        return httpx.get(f"{self.address}/{path}")

    def _put(self, path: str, content: str) -> None:
        headers = {"Content-Type": "application/xml", "Authorization": SIGNED}
        httpx.put(f"{self.address}/{path}", content=content, headers=headers).raise_for_status()


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Lend a server until the block ends; raises `S3Failed`."""
    port = free_port()
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as child:
            try:
                _wait(child, port)
                yield S3Server(address=f"http://{HOST}:{port}")
            except TimeoutError:
                log.seek(0)
                raise S3Failed(f"moto did not start: {log.read()[-2000:]}") from None
            finally:
                child.terminate()


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and child.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError
