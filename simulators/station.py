"""A station: a key, a place in its own sequence, and a store for what could not be sent yet.

- Every scan carries the station's next sequence number and the digest of its previous statement. The number is used up
  when the scan is signed, sent or not.
- Scans go into the backlog in order and leave it from the front, one by one or in batches. What got no answer is sent
  again as the very same bytes; the service answers a repeat and stores nothing twice.
- A scan that the service refuses for good (malformed, wrong signature) is taken out and kept in `refused`.
- The station's clock may be off; both event time and signing time are its own reading.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from custody.kernel import cbor, cose
from custody.kernel.clock import SECOND_MS, Instant
from custody.kernel.errors import Rejected, Trouble
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.ledger.statements import make_possession
from custody.scans.scan import make_scan
from simulators.client import ServiceClient
from simulators.geography import Post
from simulators.wire import b64u

SCAN_TYPE = "application/vnd.weaklink.scan+cbor"
SCANS_TYPE = "application/vnd.weaklink.scans+cbor"
MOST_IN_BATCH = 500
REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A scan as it goes over the wire, with its own name."""

    station: str
    seq: int
    at_ms: Instant
    event_id: str
    digest: bytes
    statement: bytes
    opening: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service said to one scan."""

    scan: Signed
    result: str
    body: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Station:
    """One station. `rng` draws salts; `clock_offset_ms` is how far its clock is ahead."""

    post: Post
    signer: SoftwareSigner
    rng: random.Random
    clock_offset_ms: int = 0
    seq: int = 0
    head: bytes | None = None
    backlog: deque[Signed] = field(default_factory=deque)
    refused: list[Answer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in statements and addresses."""
        return self.post.station

    def reads(self, at_ms: Instant) -> Instant:
        """The station's clock at that moment."""
        return at_ms + self.clock_offset_ms

    def sign(
        self, event: bytes, *, subject: str, event_id: str, at_ms: Instant, signer: SoftwareSigner | None = None
    ) -> Signed:
        """The next scan of this station over those event bytes; another signer makes it a forgery."""
        statement, opening = make_scan(
            event,
            station=self.name,
            subject=subject,
            seq=self.seq + 1,
            prev=self.head,
            iat_s=self.reads(at_ms) // SECOND_MS,
            salt=self.rng.randbytes(32),
            signer=signer or self.signer,
        )
        digest = cose.parse(statement).digest
        made = Signed(
            station=self.name,
            seq=self.seq + 1,
            at_ms=at_ms,
            event_id=event_id,
            digest=digest,
            statement=statement,
            opening=opening,
        )
        self.seq, self.head = made.seq, digest
        return made

    def announce(self, supervisor: ServiceClient) -> str:
        """Have a supervisor register this station; returns the enrolment token."""
        link = self.post.link
        body = {
            "station": self.name,
            "site": link.site.key,
            "place": self.post.place,
            "step": str(link.step),
            "custodian": link.custodian,
            "site_name": link.site.name,
        }
        answer = supervisor.post("/v1/stations", {**body, **_region(link.site.region)})
        return str(answer["enrol_token"])

    def enrol(self, client: ServiceClient, token: str, *, origin: str, at_ms: Instant) -> dict[str, Any]:
        """Bring the key into the log; needs no session, the token is the credential."""
        public = self.signer.public
        proof = make_possession(
            origin=origin,
            station=self.name,
            signer=self.signer,
            sub=f"urn:weaklink:possession:{public.kid.hex()[:16]}",
            iat_s=self.reads(at_ms) // SECOND_MS,
        )
        body = {"token": token, "cose_key": b64u(cbor.encode(public.cose_key())), "proof": b64u(proof)}
        answer: dict[str, Any] = client.post("/v1/stations/enrol", body)
        return answer

    def store(self, scan: Signed) -> None:
        """Keep a scan until it can be sent."""
        self.backlog.append(scan)

    def send_next(self, client: ServiceClient) -> Answer | None:
        """Send the oldest stored scan by itself; None if there is none. Raises `Unavailable` and keeps it."""
        if not self.backlog:
            return None
        answer = post_one(client, self.backlog[0])
        self._settle([answer])
        return answer

    def forward(self, client: ServiceClient, *, batch: int = 100) -> list[Answer]:
        """Send the whole backlog in batches; raises `Unavailable` and keeps what was not answered."""
        answers: list[Answer] = []
        while self.backlog:
            scans = [self.backlog[place] for place in range(min(batch, len(self.backlog)))]
            part = post_batch(client, scans)
            self._settle(part)
            answers += part
        return answers

    def _settle(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            self.backlog.popleft()
            if answer.result == REFUSED:
                self.refused.append(answer)


def make_station(post: Post, *, seed: str, clock_offset_ms: int = 0) -> Station:
    """The station of that post; its key and salts come from the seed."""
    rng = random.Random(f"{seed}/station/{post.station}")
    signer = new_signer(seed=rng.randbytes(32))
    return Station(post=post, signer=signer, rng=rng, clock_offset_ms=clock_offset_ms)


def post_one(client: ServiceClient, scan: Signed) -> Answer:
    """Send one scan by itself; a refusal is an answer too."""
    try:
        body = client.post_until_answered("/v1/scans", cbor.encode([scan.statement, scan.opening]), SCAN_TYPE)
    except Rejected as refusal:
        return Answer(scan=scan, result=REFUSED, body=_said(refusal))
    return Answer(scan=scan, result=str(body["result"]), body=body)


def post_batch(client: ServiceClient, scans: Sequence[Signed]) -> list[Answer]:
    """Send up to 500 scans, of any stations, in one request; answers in the same order."""
    content = cbor.encode([[scan.statement, scan.opening] for scan in scans])
    items = client.post_until_answered("/v1/scans:batch", content, SCANS_TYPE)["items"]
    return [Answer(scan=scan, result=str(item["result"]), body=item) for scan, item in zip(scans, items, strict=True)]


def _region(region: int | None) -> dict[str, int]:
    return {} if region is None else {"region": region}


def _said(trouble: Trouble) -> dict[str, Any]:
    return {"result": REFUSED, "code": trouble.code, "detail": trouble.detail, "fix": trouble.fix}
