"""The lock office as it is wired here: who answers its questions, and who hears its calls.

What each of them means says `LockOffice`. Whoever puts parts together adds keys, anchor, screen and limits.
"""

from functools import partial

from api import joints, lock_news
from api.circumstances import circumstances, look_ahead
from api.people import persons
from devicelock.usecases.lock_office import LockOffice

wired_office = partial(
    LockOffice,
    circumstances=circumstances,
    look_ahead=look_ahead,
    person=persons.person,
    behind=persons.behind,
    answering=persons.answering,
    accounts=persons.accounts,
    retires_at=joints.retires_at,
    moved=lock_news.lock_moved,
    freed=joints.lock_when_freed,
    wronged=lock_news.lock_was_wrong,
    announce=lock_news.announce_lock,
    sighted=joints.handset_seen,
    hold=lock_news.hold_cases,
)
