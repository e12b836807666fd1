"""How many files a process may have open at once; every connection is one.

Most shells let a program have 1,024 of them, or 256, and have more if it asks, up to a hard limit.
"""

import contextlib
import resource


def allow_files(count: int) -> int:
    """Let this process, and those that it starts from now on, have that many files open; returns how many they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return count
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    with contextlib.suppress(ValueError, OSError):  # a system may allow less than its hard limit says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
