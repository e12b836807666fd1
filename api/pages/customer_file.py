"""The customer's own file: everything the case holds about them, as one zip, at any time and without asking.

`my-case.json` holds the case as it stands with every word, date, promise, message and step, and what the seller's
record of the order says but for who bought it and where they live: whoever quotes an order number has a link, and
who reads a stranger's invoice must not learn a home address. `messages.txt` has the messages to read; `files/` what
the customer gave, byte for byte. Colleagues appear as the owner only: a step says whether the customer, a member of
staff or the system did it, and `seen_by_us` when somebody of ours saw the case, in which role and not who (GDPR,
Article 15; Court of Justice of the EU, C-579/21). What is known of a step is told of the customer's own steps; what
others found out, where the handset was seen or what the investigation says of the chain, is nothing for whoever quotes
a number.
"""

import re
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec
from sqlmodel import Session
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.given_name import cut_name
from api.pages.times import moment_words
from api.parts import Parts
from api.people import viewings
from api.people.turns import Turns
from api.routes.customer import customer_view
from custody.kernel.clock import Instant, to_iso
from custody.store import case_book, evidence_book, sale_book
from custody.store.tables import SaleRow
from custody.usecases.open_dispute import hash_token

NOT_A_NAME = re.compile(r"[^\w. -]+")
OF_THE_BUYER = frozenset({"contact", "region", "people"})
README = (
    "This file holds all that our case says about you.\n"
    "Name and address on the order are left out, and what we found out since, as anyone may have its number.\n"
    "Call us to get them.\n"
    "my-case.json: the case with every date, promise and step, and when we looked at it. Its times are UTC.\n"
    "messages.txt: what we told you. Its times are UK time.\n"
    "files: what you gave us.\n"
)

PIECE_BYTES = 65_536
MUCH_BYTES = 16 * 1024 * 1024
"""A file with more in it than this is one of few at once."""
_turns = Turns(at_once=6, in_line=0, of_one=2, busy="many files are being fetched at this moment", again_s=60)


class OwnFile(StreamingResponse):
    """The zip as it is sent; its file and its turn end when it was, or when nobody reads it any more."""

    def __init__(self, kept: ExitStack, out: IO[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(iter(partial(out.read, PIECE_BYTES), b""), media_type="application/zip", headers=headers)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._kept:
            await super().__call__(scope, receive, send)


def own_file(parts: Parts, token: str, headers: Mapping[str, str]) -> OwnFile:
    """The zip as an answer; raises as `write_file`, and `Rejected("too_many")`."""
    with ExitStack() as kept:
        with parts.house.read() as session:
            dispute = case_book.read_by_token(session, hash_token(token)).case.id
            if sum(given.bytes for given in evidence_book.of_case(session, dispute)) > MUCH_BYTES:
                kept.enter_context(_turns.turn(dispute))
            out = kept.enter_context(TemporaryFile())
            write_file(session, token, out, now_ms=parts.clock.now_ms())
        length = str(out.tell())
        out.seek(0)
        return OwnFile(kept.pop_all(), out, {**headers, "Content-Length": length})


def write_file(session: Session, token: str, out: IO[bytes], *, now_ms: Instant) -> None:
    """Write the zip, one file after the other; raises `NotFound` for a link that opens no case."""
    view = customer_view(session, token)
    file = case_book.read_by_token(session, hash_token(token))
    case = file.case.id
    sale = sale_book.find(session, file.case.order_ref) if file.case.order_ref and file.order_named else None
    document = {
        "written_at": to_iso(now_ms),
        **view,
        "anything_else": file.case.anything_else,
        "notes_in_favour": list(file.case.notes_in_favour),
        "handset": file.imei,
        "order_record": None if sale is None else _without_the_buyer(sale),
        "steps": [_step(row) for row in case_book.timeline(session, case)],
        "seen_by_us": [{"at": to_iso(at_ms), "role": role} for at_ms, role in viewings.roles_of_case(session, case)],
    }
    messages = "\n\n".join(f"{moment_words(said['at'])}\n{said['text']}" for said in view["messages"])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        _put(pack, "read-me.txt", README.encode(), now_ms)
        _put(pack, "my-case.json", msgspec.json.format(msgspec.json.encode(document), indent=2), now_ms)
        _put(pack, "messages.txt", messages.encode(), now_ms)
        for given in evidence_book.of_case(session, case):
            _, content = evidence_book.read(session, given.id)
            name = f"files/{given.id}-{cut_name(NOT_A_NAME.sub('_', given.name))}"
            _put(pack, name, content, given.at_ms, how=zipfile.ZIP_STORED)


def _without_the_buyer(sale: SaleRow) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.json.decode(sale.facts)
    return {name: fact for name, fact in facts.items() if name not in OF_THE_BUYER}


def _step(row: Any) -> dict[str, Any]:
    actor = row.actor.partition(",")[0]  # "customer, told to" somebody; no account has a comma in its name
    by = actor if actor in {"customer", "system"} else "staff"
    step = {"at": to_iso(row.at_ms), "step": row.kind, "by": by}
    return {**step, "facts": msgspec.json.decode(row.facts)} if by == "customer" else step


def _put(pack: zipfile.ZipFile, name: str, content: bytes, at_ms: Instant, *, how: int = zipfile.ZIP_DEFLATED) -> None:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    info.compress_type = how
    pack.writestr(info, content)
