"""A witness: cosigns a log's checkpoint if it continues what it cosigned before (C2SP tlog-witness).

A carrier or an ombudsman runs it. It keeps no entries, only the last checkpoint of each log it knows; `ledger.witness`
decides. Comparing and storing is one step under a lock, durable before the answer, so two requests that race cannot
take the witness back. Kept are one line of each of the log's keys and the witness's own, however often a request, which
anybody may send, repeats a line: so the note that is kept is never longer than a note may be.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.kernel.clock import Clock
from custody.kernel.errors import NotFound, Rejected
from custody.kernel.keys import Signer
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.cosignature import MlDsaSigner, cosign, cosign_mldsa, mldsa_key, verifier_of
from custody.ledger.note import (
    Note,
    NoteSignature,
    NoteVerifier,
    SignatureKind,
    VerifierKey,
    open_note,
    text_key,
)
from custody.ledger.witness import decide, parse_add_checkpoint
from custody.store.witness_folder import WitnessFolder

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """Status, body and media type of an answer to add-checkpoint."""

    status: int
    body: str
    content_type: str = PLAIN


class Witness:
    """One witness with its keys, its folder, and the logs it knows; raises `Fatal("witness")` for another's folder."""

    def __init__(
        self,
        folder: WitnessFolder,
        *,
        name: str,
        signer: Signer,
        logs: Sequence[VerifierKey],
        clock: Clock,
        mldsa: MlDsaSigner | None = None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._signer = signer
        self._mldsa = mldsa
        self._clock = clock
        self._trusted: Mapping[str, list[NoteVerifier]] = {
            origin: [verifier_of(key) for key in logs if key.name == origin]
            for origin in sorted({key.name for key in logs})
        }
        self._turn = threading.Lock()
        folder.serve_as(name)

    @property
    def vkeys(self) -> list[str]:
        """The keys that its cosignatures verify under."""
        keys = [text_key(self._name, self._signer.public, kind=SignatureKind.ED25519_COSIGNATURE)]
        return [key.vkey() for key in (*keys, *([mldsa_key(self._name, self._mldsa)] if self._mldsa else []))]

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """The answer to add-checkpoint."""
        try:
            request = parse_add_checkpoint(body)
        except Rejected as error:
            return WitnessAnswer(status=400, body=f"{error.detail}\n")
        origin = request.checkpoint.origin
        trusted = self._trusted.get(origin, [])
        with self._turn:
            decision = decide(request, trusted=trusted, latest=self._folder.latest(origin) if trusted else None)
            if decision.checkpoint is None:
                body_text, media_type = decision.body or f"{decision.why}\n", decision.content_type
                return WitnessAnswer(status=decision.status, body=body_text, content_type=media_type or PLAIN)
            lines = self._cosign(decision.checkpoint)
            signed = open_note(request.note, trusted)
            own = {(line.name, line.key_id): line for line in signed.signatures}
            self._folder.replace(origin, Note(text=signed.text, signatures=(*own.values(), *lines)).raw())
        return WitnessAnswer(status=200, body="".join(line.line() for line in lines))

    def checkpoint(self, name: str) -> bytes:
        """The note last cosigned for the log whose origin hashes to `name`.

        Raises `NotFound` if there is none, `Fatal("witness")` if it is damaged.
        """
        note = self._folder.note(name) if len(name) == 64 and name.isascii() and name.isalnum() else None
        if note is None:
            raise NotFound("checkpoint", "nothing was cosigned under this name", fix="Hash the origin with SHA-256.")
        return note

    def _cosign(self, checkpoint: Checkpoint) -> list[NoteSignature]:
        at_s = self._clock.now_ms() // 1000
        lines = [cosign(checkpoint, name=self._name, signer=self._signer, at_s=at_s)]
        if self._mldsa is not None:
            lines.append(cosign_mldsa(checkpoint, name=self._name, signer=self._mldsa, at_s=at_s))
        return lines
