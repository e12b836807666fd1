"""Staff of the service, as small HTTP actors: agents, supervisors, investigators.

Each signs in once and then acts through its own session. Nothing here decides anything; it only asks the service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.client import ServiceClient

AUTHORITY = "provisional-lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody signed in; `client` carries the session."""

    account: str
    role: str
    client: ServiceClient

    def open_dispute(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a customer's report; see `customer.report_of`."""
        return _map(self.client.post("/v1/disputes", body))

    def dispute(self, dispute: str) -> dict[str, Any]:
        """A case as staff see it."""
        return _map(self.client.get(f"/v1/disputes/{dispute}"))

    def trail(self, item: str) -> dict[str, Any]:
        """The custody trail of a parcel, a handset or an order."""
        return _map(self.client.get("/v1/trails", item=item))

    def request_lock(self, *, imei: str, reason: str, evidence: Sequence[str]) -> dict[str, Any]:
        """Ask for a lock outside a dispute; the last four digits are typed again."""
        body = {"imei": imei, "imei_last4": imei[-4:], "reason": reason, "evidence": list(evidence)}
        return _map(self.client.post("/v1/locks", body))

    def lock(self, order: str) -> dict[str, Any]:
        """A lock order and its history."""
        return _map(self.client.get(f"/v1/locks/{order}"))

    def decide_lock(self, order: str, verb: str, **facts: Any) -> dict[str, Any]:
        """approve, refuse, confirm or release a lock order."""
        return _map(self.client.post(f"/v1/locks/{order}/{verb}", facts))

    def preflight(self, imei: str) -> dict[str, Any]:
        """What would keep a lock from being signed."""
        return _map(self.client.get("/v1/locks/preflight", imei=imei))

    def unlock_code(self, order: str, challenge: str) -> str:
        """The digits to read out to whoever holds the handset."""
        return str(self.client.post(f"/v1/locks/{order}/code", {"challenge": challenge})["answer"])

    def investigate(self, dispute: str) -> dict[str, Any]:
        """Run the investigation of a dispute again and return its ranking."""
        self.client.post(f"/v1/investigations/{dispute}/run")
        return _map(self.client.get(f"/v1/investigations/{dispute}"))

    def hotspots(self) -> dict[str, Any]:
        """Where more goes wrong than the traffic explains."""
        return _map(self.client.get("/v1/hotspots"))

    def pack(self, dispute: str) -> bytes:
        """The evidence pack, a zip."""
        return self.client.post_for_bytes("/v1/packs", {"dispute": dispute})


def sign_in(client: ServiceClient, account: str, password: str) -> Staff:
    """Start a session."""
    answer = client.post("/v1/sessions", {"account": account, "password": password})
    return Staff(account=answer["account"], role=answer["role"], client=client.as_caller(answer["token"]))


def put_authority_in_force(proposer: Staff, approver: Staff) -> dict[str, Any]:
    """Two supervisors put a standing authority in force; the log holds who they were."""
    proposal = proposer.client.post("/v1/authority", {"policy": AUTHORITY})["proposal"]
    return _map(approver.client.post(f"/v1/authority/{proposal}/approve"))


def _map(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = value
    return found
