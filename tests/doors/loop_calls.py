"""What the thread of the event loop itself does while it answers a request: meanwhile nobody else is answered."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

import httpx

from api.app import build_app
from tests.doors.case_desk import CaseDesk


@contextmanager
def calls_here() -> Iterator[set[CodeType]]:
    """What this thread calls meanwhile."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _about: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def answer_and_calls(
    desk: CaseDesk, path: str, body: bytes, headers: dict[str, str]
) -> tuple[httpx.Response, set[CodeType]]:
    """The answer to a POST, and what the thread of the event loop called until it came."""

    async def ask() -> httpx.Response:
        door = httpx.ASGITransport(app=build_app(desk.house.parts))
        async with httpx.AsyncClient(transport=door, base_url="http://door") as client:
            return await client.post(path, content=body, headers=headers)

    with calls_here() as called:
        answer = asyncio.run(ask())
    return answer, called
