"""Making the digests of statements and the leaf hashes of batches anew from the entries and scans that have them.

Both stand in the rows of entries and scans, whoever makes them anew has held these against the log before.
"""

from sqlmodel import Session

from custody.store import runs
from custody.store.bulk import ask
from custody.store.run_tables import DIGESTS, DigestRow


def compare(session: Session) -> tuple[int, int, bool]:
    """How many names are lost, how many are of nothing in the log, and whether the runs are whole."""
    led = f"SELECT * FROM ({DIGESTS}) AS led"  # noqa: S608 - our own names
    held = f"SELECT digest, place FROM digest WHERE {runs.in_runs(session, DigestRow)}"  # noqa: S608 - our own names
    lost = ask(session, f"SELECT COUNT(*) FROM ({led} EXCEPT {held}) AS lost", ())  # noqa: S608 - as above
    foreign = ask(session, f"SELECT COUNT(*) FROM ({held} EXCEPT {led}) AS foreign_names", ())  # noqa: S608 - as above
    return int(lost[0][0]), int(foreign[0][0]), runs.are_whole(session, DigestRow)


def mend(session: Session) -> None:
    """Put the names that the log leads to in the place of all that are there."""
    runs.refill(session, DigestRow, DIGESTS)
