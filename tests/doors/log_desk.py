"""A station enrolled over HTTP, at the log's standard door."""

import hashlib

import httpx

from api.cli.instance import Instance
from custody.kernel import cbor, cose
from custody.kernel.base64url import b64, unb64
from custody.kernel.keys import PublicKey, new_signer, read_cose_key
from custody.ledger.statements import make_possession
from custody.scans.scan import make_scan
from simulators.agent import sign_in
from simulators.client import ServiceClient

SSCC = "https://id.gs1.org/00/195214730000088169"
EVENT = b"""{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "ObjectEvent",
"eventTime": "2026-05-11T08:12:30.000Z", "eventTimeZoneOffset": "+00:00", "action": "OBSERVE",
"epcList": ["https://id.gs1.org/00/195214730000088169"], "bizStep": "inspecting"}"""
COSE = {"Content-Type": "application/cose"}


class Desk:
    """A station enrolled over HTTP, and a plain client beside it."""

    def __init__(self, instance: Instance) -> None:
        self.http = httpx.Client(base_url=instance.address, timeout=60)
        client = ServiceClient(instance.address)
        staff = sign_in(client, "supervisor-1", instance.accounts["supervisor-1"]).client
        self.log = client.get("/v1/log")
        self.signer = new_signer()
        place = {"site": "https://id.gs1.org/414/9521473000102", "custodian": "https://id.gs1.org/417/9521473000003"}
        station = {"station": "desk-1", "place": "Desk", "step": "other"}
        token = staff.post("/v1/stations", {**station, **place})["enrol_token"]
        proof = make_possession(
            origin=self.log["origin"], station="desk-1", signer=self.signer, sub="urn:uuid:0", iat_s=1
        )
        key = b64(cbor.encode(self.signer.public.cose_key()))
        client.post("/v1/stations/enrol", {"token": token, "cose_key": key, "proof": b64(proof)})
        client.close()
        self.seq = 0
        self.prev: bytes | None = None

    def sign(self, event: bytes = EVENT) -> tuple[bytes, bytes]:
        """The next scan."""
        self.seq += 1
        pair = make_scan(
            event,
            station="desk-1",
            subject="urn:uuid:6f1f6f0e-0000-4000-8000-000000000001",
            seq=self.seq,
            prev=self.prev,
            iat_s=1_778_487_150,
            salt=self.seq.to_bytes(32, "big"),
            signer=self.signer,
        )
        self.prev = cose.parse(pair[0]).digest
        return pair

    def sign_unsorted(self) -> bytes:
        """The next scan's statement with the labels of its headers as a library that does not sort writes them."""
        parsed = cose.parse(self.sign()[0])
        labels = [cbor.encode(label) + cbor.encode(value) for label, value in parsed.protected.items()]
        header = cbor.head(5, len(labels)) + b"".join(reversed(labels))
        payload = parsed.payload or b""
        signature = self.signer.sign(cose.sig_structure(header, payload))
        self.prev = hashlib.sha256(cose.sig_structure(header, payload)).digest()
        unsigned = b"\xa2" + cbor.encode(33) + cbor.encode(b"chain") + cbor.encode(11) + cbor.encode(b"note")
        return b"\xd2\x84" + cbor.encode(header) + unsigned + cbor.encode(payload) + cbor.encode(signature)

    def post(self, statement: bytes) -> httpx.Response:
        """Register a statement."""
        return self.http.post("/entries", content=statement, headers=COSE)

    def log_key(self) -> PublicKey:
        """The key of receipts, by the standard address."""
        kid = read_cose_key(cbor.decode(unb64(self.log["keys"]["log"], where="key"))).kid
        answer = self.http.get(f"/.well-known/scitt-keys/{b64(kid)}", headers={"Accept": "application/cbor"})
        assert answer.headers["content-type"] == "application/cbor"
        return read_cose_key(cbor.decode(answer.content))
