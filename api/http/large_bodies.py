"""A large body is read beside the event loop, which answers all others meanwhile.

Reading is Python code and shares the interpreter, so one large body at a time is read: a second one would make neither
sooner, and each takes its turns from the loop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 64 * 1024
"""What is no longer is read where it came: that takes less time than asking another thread keeps others waiting."""

_beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-body")
Read = TypeVar("Read")


async def read(reader: Callable[[bytes], Read], body: bytes) -> Read:
    """What the reader makes of the body; it raises whatever the reader raises."""
    if len(body) <= AT_ONCE:
        return reader(body)
    return await asyncio.get_running_loop().run_in_executor(_beside, reader, body)
