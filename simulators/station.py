"""A station: a key, a place in its own sequence, and a store for what could not be sent yet.

- Every scan carries the station's next sequence number and the digest of its previous statement. The number is used up
  when the scan is signed, sent or not.
- Scans and batches go into the backlog in order and leave it from the front, scans one by one or many in a request.
  What got no answer is sent again as the very same bytes; the service answers a repeat and stores nothing twice.
- A scan that the service refuses for good (malformed, wrong signature) is taken out and kept in `refused`.
- Instead of signing each scan a station may collect scans and close them into one batch, after 256 of them or a second.
  A batch in which only one scan was collected is closed into a plain statement.
- It looks at the log's cosigned checkpoint when it can, and embeds what it saw last in its events: they are younger.
- The station's clock may be off; both event time and signing time are its own reading.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from custody.gs1.named_information import write_ni
from custody.kernel import cbor, cose
from custody.kernel.base64url import b64
from custody.kernel.clock import SECOND_MS, Instant
from custody.kernel.errors import Conflict, Rejected, Trouble, Unavailable
from custody.kernel.keys import SoftwareSigner, new_signer
from custody.kernel.merkle import SmallTree
from custody.ledger.checkpoint import parse_checkpoint
from custody.ledger.note import parse_note
from custody.ledger.statements import make_possession
from custody.ledger.time_bounds import note_digest
from custody.ledger.typed_station import read_info
from custody.scans.batch import MOST, give_receipt, make_batch, read_batch, seal_batch
from custody.scans.leaf import Leaf, make_leaf
from custody.scans.scan import SALT_BYTES, make_scan
from simulators.client import ServiceClient
from simulators.geography import Post

SCAN_TYPE = "application/vnd.weaklink.scan+cbor"
ROOT_TYPE = "application/vnd.weaklink.scan-batch+cbor"
SCANS_TYPE = "application/vnd.weaklink.scans+cbor"
REFUSED = "refused"
CLOSE_AFTER_MS = SECOND_MS


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
class SignedInBatch(Signed):
    """A scan of a batch: `statement` is the batch's, `digest` the scan's own; `receipt` proves it alone."""

    leaf: Leaf
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBatch:
    """A batch as it goes over the wire, with its own digest; one seal is under the receipts of all its scans."""

    digest: bytes
    statement: bytes
    seal: bytes
    scans: tuple[SignedInBatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A scan that has its number and its salt, and waits for its batch to be closed.

    `leaf.digest` is its name, unless it stays the only one of its batch: then it gets the name of a plain statement.
    """

    leaf: Leaf
    opening: bytes
    event: bytes
    event_id: str
    at_ms: Instant


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
    seen: bytes | None = None
    collected: list[Collected] = field(default_factory=list)
    backlog: deque[Signed | SignedBatch] = field(default_factory=deque)
    refused: list[Answer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in statements and addresses."""
        return self.post.station

    def reads(self, at_ms: Instant) -> Instant:
        """The station's clock at that moment."""
        return at_ms + self.clock_offset_ms

    def look(self, client: ServiceClient) -> None:
        """Remember the log's newest checkpoint, if witnesses cosigned it; what was seen before stays if none came."""
        try:
            note = client.get_bytes("/log/checkpoint")
        except Unavailable:
            return
        parsed = parse_note(note)
        origin = parse_checkpoint(parsed.text).origin
        if any(line.name != origin for line in parsed.signatures):
            self.seen = note_digest(note)

    def witnessed(self) -> dict[str, str]:
        """The member of an event that says which cosigned checkpoint this station saw last; empty if none."""
        return {} if self.seen is None else {"wl:witnessedCheckpoint": write_ni(self.seen)}

    def sign(
        self, event: bytes, *, subject: str, event_id: str, at_ms: Instant, signer: SoftwareSigner | None = None
    ) -> Signed:
        """The next scan of this station over those event bytes; another signer makes it a forgery."""
        if self.collected:
            raise Conflict("batch", "scans are waiting in a batch", fix="Close the batch before signing another scan.")
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

    def collect(self, event: bytes, *, subject: str, event_id: str, at_ms: Instant) -> Collected:
        """Give the next scan its number and let it wait for the batch to be closed; raises `Conflict` when full."""
        if len(self.collected) == MOST:
            raise Conflict("batch", f"{MOST} scans are waiting already", fix="Close the batch first.")
        seq, salt = self.seq + 1, self.rng.randbytes(32)
        leaf, opening = make_leaf(event, station=self.name, subject=subject, seq=seq, salt=salt)
        kept = Collected(leaf=leaf, opening=opening, event=event, event_id=event_id, at_ms=at_ms)
        self.seq = seq
        self.collected.append(kept)
        return kept

    def is_due(self, at_ms: Instant) -> bool:
        """Whether the batch should be closed now: it is full, or its first scan has waited long enough."""
        waiting = self.collected
        return bool(waiting) and (len(waiting) == MOST or at_ms - waiting[0].at_ms >= CLOSE_AFTER_MS)

    def close_batch(self, *, subject: str, at_ms: Instant) -> SignedBatch | Signed:
        """Sign what was collected; one scan alone becomes a plain statement. Raises `Conflict` if there is none."""
        waiting = self.collected
        if not waiting:
            raise Conflict("batch", "no scan is waiting", fix="Collect scans first.")
        iat_s = self.reads(at_ms) // SECOND_MS
        made = self._close_one(waiting[0], iat_s) if len(waiting) == 1 else self._close_many(waiting, subject, iat_s)
        self.head, self.collected = made.digest, []
        return made

    def _close_one(self, kept: Collected, iat_s: int) -> Signed:
        leaf = kept.leaf
        statement, opening = make_scan(
            kept.event,
            station=self.name,
            subject=leaf.subject,
            seq=leaf.seq,
            prev=self.head,
            iat_s=iat_s,
            salt=kept.opening[:SALT_BYTES],
            signer=self.signer,
        )
        return Signed(
            station=self.name,
            seq=leaf.seq,
            at_ms=kept.at_ms,
            event_id=kept.event_id,
            digest=cose.parse(statement).digest,
            statement=statement,
            opening=opening,
        )

    def _close_many(self, waiting: Sequence[Collected], subject: str, iat_s: int) -> SignedBatch:
        leaves = [kept.leaf for kept in waiting]
        statement = make_batch(leaves, subject=subject, prev=self.head, iat_s=iat_s, signer=self.signer)
        batch, tree = read_batch(statement), SmallTree.of(leaf.digest for leaf in leaves)
        seal = seal_batch(batch, self.signer)
        scans = tuple(
            SignedInBatch(
                station=self.name,
                seq=kept.leaf.seq,
                at_ms=kept.at_ms,
                event_id=kept.event_id,
                digest=kept.leaf.digest,
                statement=statement,
                opening=kept.opening,
                leaf=kept.leaf,
                receipt=give_receipt(tree, place, seal),
            )
            for place, kept in enumerate(waiting)
        )
        return SignedBatch(digest=batch.digest, statement=statement, seal=seal, scans=scans)

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
        public, link = self.signer.public, self.post.link
        proof = make_possession(
            origin=origin,
            station=read_info(
                station=self.name,
                site=link.site.key,
                place=self.post.place,
                step=str(link.step),
                custodian=link.custodian,
            ),
            signer=self.signer,
            sub=f"urn:weaklink:possession:{public.kid.hex()[:16]}",
            iat_s=self.reads(at_ms) // SECOND_MS,
        )
        body = {"token": token, "cose_key": b64(cbor.encode(public.cose_key())), "proof": b64(proof)}
        answer: dict[str, Any] = client.post("/v1/stations/enrol", body)
        return answer

    def store(self, scan: Signed | SignedBatch) -> None:
        """Keep a scan, or a batch, until it can be sent."""
        self.backlog.append(scan)

    def send_next(self, client: ServiceClient) -> list[Answer]:
        """Send the oldest stored scan or batch by itself; empty if there is none. Raises `Unavailable` and keeps it."""
        if not self.backlog:
            return []
        oldest = self.backlog[0]
        answers = post_root(client, oldest) if isinstance(oldest, SignedBatch) else [post_one(client, oldest)]
        self._settle(answers, 1)
        return answers

    def forward(self, client: ServiceClient, *, batch: int = 100) -> list[Answer]:
        """Send the whole backlog, plain scans many at once; raises `Unavailable` and keeps what was not answered."""
        answers: list[Answer] = []
        while self.backlog:
            scans: list[Signed] = []
            for each in islice(self.backlog, batch):
                if isinstance(each, SignedBatch):
                    break
                scans.append(each)
            if not scans:
                answers += self.send_next(client)
                continue
            part = post_batch(client, scans)
            self._settle(part, len(scans))
            answers += part
        return answers

    def _settle(self, answers: Sequence[Answer], sent: int) -> None:
        for _ in range(sent):
            self.backlog.popleft()
        self.refused += [answer for answer in answers if answer.result == REFUSED]


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


def post_root(client: ServiceClient, batch: SignedBatch) -> list[Answer]:
    """Send a batch under its one statement; answers to its scans in their order. A refusal is an answer to all."""
    try:
        items = client.post_until_answered("/v1/batches", root_body(batch), ROOT_TYPE)["items"]
    except Rejected as refusal:
        return [Answer(scan=scan, result=REFUSED, body=_said(refusal)) for scan in batch.scans]
    pairs = zip(batch.scans, items, strict=True)
    return [Answer(scan=scan, result=str(item["result"]), body=item) for scan, item in pairs]


def root_body(batch: SignedBatch) -> bytes:
    """A batch as it is posted."""
    items = [[scan.leaf.subject, scan.leaf.content_type, scan.opening] for scan in batch.scans]
    return cbor.encode([batch.statement, batch.seal, items])


def _region(region: int | None) -> dict[str, int]:
    return {} if region is None else {"region": region}


def _said(trouble: Trouble) -> dict[str, Any]:
    return {"result": REFUSED, "code": trouble.code, "detail": trouble.detail, "fix": trouble.fix}
