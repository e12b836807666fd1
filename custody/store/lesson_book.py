"""Lessons: what the house has to learn from its own answers, until somebody wrote down what was changed."""

from collections.abc import Collection
from dataclasses import replace

import msgspec
from sqlalchemy import BigInteger, Text, func, select
from sqlmodel import Field, Session, SQLModel, col

from custody.disputes.lesson import LESSON, Lesson
from custody.kernel.errors import NotFound
from custody.store.newest_first import newest_first
from custody.store.unit import Unit


class LessonRow(SQLModel, table=True):
    """Something to be learned. `facts` holds all of it, as JSON."""

    __tablename__ = "lesson"
    id: str = Field(primary_key=True)
    dispute: str = Field(index=True)
    kind: str
    state: str = Field(index=True)
    owner: str
    opened_ms: int = Field(sa_type=BigInteger)
    due_ms: int = Field(sa_type=BigInteger)
    facts: str = Field(sa_type=Text)


def put(unit: Unit, lesson: Lesson) -> None:
    """Insert or replace one."""
    row = unit.session.get(LessonRow, lesson.id)
    if row is None:
        row = LessonRow(
            id=lesson.id,
            dispute=lesson.case_id,
            kind=lesson.kind,
            state="",
            owner=lesson.owner,
            opened_ms=lesson.opened_ms,
            due_ms=lesson.due_ms,
            facts="",
        )
    row.state, row.owner, row.facts = lesson.state, lesson.owner, msgspec.json.encode(lesson).decode()
    unit.session.add(row)


def hold_one(unit: Unit, name: str) -> Lesson:
    """One lesson, held until the unit ends; raises `NotFound`."""
    query = select(LessonRow).where(col(LessonRow.id) == name).with_for_update()
    row = unit.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("lesson", f"there is no lesson {name!r}", fix="List them with GET /v1/lessons.")
    return msgspec.json.decode(row.facts, type=Lesson)


def of_case(session: Session, dispute: str) -> list[Lesson]:
    """Those that a case gave, the first first."""
    query = select(LessonRow).where(col(LessonRow.dispute) == dispute)
    return _read(session.scalars(query.order_by(col(LessonRow.opened_ms), col(LessonRow.id))).all())


def listing(session: Session, *, kind: str | None, learned: bool, after: str | None, limit: int) -> list[Lesson]:
    """Those that are open, or learned, of one kind or all; newest first, from behind the id `after` on."""
    is_open = col(LessonRow.state) == LESSON.start
    query = newest_first(session, LessonRow, when="opened_ms", after=after).where(~is_open if learned else is_open)
    only = query if kind is None else query.where(col(LessonRow.kind) == kind)
    return _read(session.scalars(only.limit(limit)).all())


def alone(session: Session, keepers: Collection[str], *, limit: int) -> list[str]:
    """The open ones whose owner is none of these people, the oldest first."""
    theirs = col(LessonRow.state) == LESSON.start, col(LessonRow.owner).not_in(list(keepers))
    query = select(col(LessonRow.id)).where(*theirs).order_by(col(LessonRow.opened_ms), col(LessonRow.id))
    return list(session.scalars(query.limit(limit)).all())


def open_count_of(session: Session, owners: Collection[str]) -> dict[str, int]:
    """How many are open for each of these people."""
    mine = col(LessonRow.state) == LESSON.start, col(LessonRow.owner).in_(list(owners))
    query = select(col(LessonRow.owner), func.count()).where(*mine)
    return dict(session.execute(query.group_by(col(LessonRow.owner))).all())


def forget(session: Session, dispute: str, *, instead: str) -> None:
    """Put other words in the place of those that a case gave; that something is to be learned, or was, stays."""
    query = select(LessonRow).where(col(LessonRow.dispute) == dispute).order_by(col(LessonRow.id)).with_for_update()
    for row in session.scalars(query.execution_options(populate_existing=True)).all():
        lesson = msgspec.json.decode(row.facts, type=Lesson)
        bare = replace(lesson, says=instead, change=instead if lesson.change else "")
        row.facts = msgspec.json.encode(bare).decode()
        session.add(row)
    session.flush()


def _read(rows: Collection[LessonRow]) -> list[Lesson]:
    return [msgspec.json.decode(row.facts, type=Lesson) for row in rows]
