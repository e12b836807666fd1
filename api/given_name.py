"""The name of a file that a customer gives, short enough to be unpacked again on every file system."""

MOST_BYTES = 200
"""A file system takes 255 bytes, and letters may have four each; what stands before a name has room in the rest."""
MOST_OF_ENDING = 20


def cut_name(name: str) -> str:
    """The name in at most `MOST_BYTES` of UTF-8: what is too long is cut before its ending, which says what it is."""
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending
    if not dot or len(ending.encode()) > MOST_OF_ENDING:
        stem, ending = name, ""
    return stem.encode()[: MOST_BYTES - len(ending.encode())].decode(errors="ignore") + ending
