"""The judge on a batch: each scan by itself, the statement over them once. Total and pure, as the judge is.

1. A number that another statement has taken is tamper evidence for that scan alone; both are kept.
2. The statement stands in the station's sequence as a whole: a gap before it is flagged once, at its first scan that
   can be read; if it does not follow the station's newest statement, none of its scans does.
3. Each scan sees what those before it said of its parcel; those that are set apart said nothing.
4. The station goes on from the batch unless it does not follow, or all its scans are set apart. One scan that is set
   apart, for its own clock say, leaves no hole.
5. A scan that cannot be read has no verdict, and takes its number all the same. It is set apart if its statement alone
   would be: for a key that is revoked, or a clock too far ahead.
6. A scan that was judged and is erased since can be read no more. It took its number, told the gap, and was set apart
   or not, as it was said then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from custody.kernel.clock import Instant
from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import UNSEEN
from custody.scans.batch import BatchedScan, BatchStatement
from custody.scans.follow import follow, units_of
from custody.scans.judge import sequence_flags, tampered
from custody.scans.judge_parcels import judge_units
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import QUARANTINED, Flag, Verdict, sum_up
from custody.scans.view import StationHead, UnitView

_DEAD = frozenset({KeyStanding.REVOKED, KeyStanding.UNKNOWN})
NOTHING: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBatch:
    """The verdicts in the order of the scans, the views that changed, and from where the station goes on, if it does.

    A verdict is None where no event can be read.
    """

    verdicts: tuple[Verdict | None, ...]
    views: Mapping[str, UnitView]
    head: StationHead | None


def judge_batch(
    statement: BatchStatement,
    scans: Sequence[BatchedScan | None],
    *,
    standing: KeyStanding,
    head: StationHead | None,
    held: Mapping[int, bytes],
    views: Mapping[str, UnitView],
    now_ms: Instant,
    tolerances: Tolerances,
    custodian: str | None,
    said: Mapping[int, str] = NOTHING,
) -> JudgedBatch:
    """What becomes of a batch whose signature was verified, or whose key is not known.

    `held`: which statement took a number before. `views`: what was known of parcels and handsets. `now_ms`: the
    receipt. `custodian`: as in `advance`. `said`: the results by number of scans that were judged before they were
    erased.
    """
    sequence = [
        flag for flag in sequence_flags(statement.first, statement.prev, head) if flag.code != "tamper_evidence"
    ]
    broken = any(flag.code == "chain_broken" for flag in sequence)
    told_again = sequence if broken else ()
    untold: Sequence[Flag] = sequence
    known: dict[str, UnitView] = {}
    look = partial(_newest, known, views)
    verdicts: list[Verdict | None] = []
    for seq, scan in enumerate(scans, statement.first):
        taken = held.get(seq, statement.digest) != statement.digest
        if scan is None:
            verdicts.append(None)
            if seq in said and not taken:
                untold = told_again
            continue
        if taken:
            verdicts.append(sum_up([tampered(seq)]))
            continue
        units = units_of(scan.event, look, tolerances.edition)
        verdict = judge_units(
            scan, standing=standing, sequence=untold, units=units, now_ms=now_ms, tolerances=tolerances
        )
        untold = told_again
        verdicts.append(verdict)
        if verdict.result != QUARANTINED:
            known |= follow(scan.event, look, tolerances.edition, custodian=custodian)
    results = {**said, **{seq: verdict.result for seq, verdict in enumerate(verdicts, statement.first) if verdict}}
    unread_apart = standing in _DEAD or statement.iat_s * 1000 - now_ms > tolerances.skew_quarantine_ms
    apart = _is_apart(statement, results, held, unread_apart=unread_apart)
    goes_on = not broken and not apart and (head is None or statement.last > head.seq)
    return JudgedBatch(
        verdicts=tuple(verdicts),
        views=known,
        head=StationHead(seq=statement.last, digest=statement.digest) if goes_on else None,
    )


def _is_apart(
    statement: BatchStatement, results: Mapping[int, str], held: Mapping[int, bytes], *, unread_apart: bool
) -> bool:
    """Whether every scan of the batch is set apart; `unread_apart`: those are that nobody can read."""
    for seq in range(statement.first, statement.last + 1):
        result, taken = results.get(seq), held.get(seq, statement.digest) != statement.digest
        is_apart = result == QUARANTINED or (result is None and (unread_apart or taken))
        if not is_apart:
            return False
    return True


def _newest(known: Mapping[str, UnitView], before: Mapping[str, UnitView], key: str) -> UnitView:
    return known.get(key) or before.get(key, UNSEEN)
