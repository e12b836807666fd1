"""Which entries, lines and keys of the trail go into a pack, and what is left for a later one."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.disputes.machine import CaseRole
from custody.disputes.messages import Message
from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts
from custody.disputes.people import PeopleSaid, Relation
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.pack import verify_pack
from custody.investigation.verify.verification import PackStep
from custody.kernel.errors import Rejected
from custody.store import case_book, log_reader
from custody.store.tables import DisputeEventRow
from custody.usecases.erase import erase
from custody.usecases.export_pack import Beside
from custody.usecases.move_case import withdraw
from custody.usecases.name_people import name_people
from custody.usecases.open_dispute import open_dispute
from tests.rooms.pack.pack_world import IMEI, ORDER, PARCEL, World, open_case_of, open_world, send_parcel
from tests.rooms.pack.tamper import failed_steps


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[World]:
    """Lend a world with a parcel that was delivered."""
    with open_world(f"sqlite:///{tmp_path / 'house.sqlite3'}") as world:
        send_parcel(world)
        yield world


def exported(world: World, beside: Beside | None = None) -> OpenedPack:
    """The pack of the world's case, which must hold."""
    content = world.export(beside).content
    verify_pack(content, vkey=world.vkey).demand()
    return open_pack(content)


def newest_note(world: World) -> tuple[bytes, int]:
    """The newest head, and the index of the entry that comes next."""
    with world.house.read() as session:
        head = log_reader.head(session)
    return head.note, head.size


@pytest.mark.parametrize(
    ("parcel", "imei", "order", "item"),
    [
        (PARCEL, IMEI, ORDER, PARCEL),
        (None, IMEI, ORDER, IMEI),
        (None, None, ORDER, f"po:{ORDER}"),
        (None, None, None, "po:case_"),
        (None, None, "0701234567", "po:0701234567"),
    ],
)
def test_the_trail_is_read_under_the_parcel_or_else_the_handset_or_else_the_order(
    sent: World, parcel: str | None, imei: str | None, order: str | None, item: str
) -> None:
    with sent.house.unit() as unit:
        report = Report(
            words="It is not here.",
            channel="web",
            reported_ms=unit.now_ms,
            claim_type="never_received",
            agreed_by_customer=True,
            said_by=CaseRole.CUSTOMER,
            order=OrderFacts(order_ref=order),
        )
        sent.dispute = open_dispute(unit, report, owner="agent-1", imei=imei, parcel=parcel)
    case = exported(sent).case
    assert (case.parcel, case.imei) == (parcel, imei)
    assert case.item == (item if order else f"po:{sent.case}")
    assert case.item.startswith(item)


def test_a_step_that_the_log_holds_no_record_of_goes_along_and_is_refused_where_lines_have_numbers(sent: World) -> None:
    open_case_of(sent)
    with sent.house.unit() as unit:
        unit.session.add(
            DisputeEventRow(dispute=sent.case, at_ms=unit.now_ms, actor="agent-1", kind="called", facts="{}", idx=None)
        )
    content = sent.export().content
    assert failed_steps(verify_pack(content, vkey=sent.vkey)) == {PackStep.RECORDS}
    assert [(line.kind, line.index is None) for line in open_pack(content).case.timeline] == [
        ("opened", False),
        ("called", True),
    ]


def test_a_notice_of_what_was_erased_since_the_checkpoint_is_left_for_a_later_pack(sent: World) -> None:
    open_case_of(sent)
    with sent.house.unit() as unit:
        withdraw(unit, sent.case, actor="customer", locks_settled=True)
    note, following = newest_note(sent)
    with sent.house.unit() as unit:
        erased = erase(unit, PARCEL, reason="over", actor="supervisor-1", holds=lambda _session, _imeis: ())
    assert erased.index == following
    assert erased.index not in {entry.index for entry in exported(sent, Beside(note=note)).entries}
    assert erased.index in {entry.index for entry in exported(sent).entries}


def test_a_record_that_comes_right_after_the_checkpoint_is_not_covered_by_it(sent: World) -> None:
    open_case_of(sent)
    note, following = newest_note(sent)
    with sent.house.unit() as unit:
        assert unit.record("authority.proposed", {"person": "sup-1"}) == following
    with pytest.raises(Rejected, match="does not cover"):
        sent.export(Beside(note=note, records=(following,)))
    assert following - 1 in {
        entry.index for entry in exported(sent, Beside(note=note, records=(following - 1,))).entries
    }


def test_whatever_is_left_out_the_report_lists_it_as_the_file_does(sent: World) -> None:
    open_case_of(sent, words="Ring 07700 900123.", support=("large print",))
    note, following = newest_note(sent)
    with sent.house.unit() as unit:
        case_book.say(
            unit, sent.case, [Message(key="said", text=f"We rang 07700 90012{digit}.") for digit in range(10)]
        )
        withdraw(unit, sent.case, actor="customer", locks_settled=True)
    beside = Beside(note=note, withhold={following - 1: "it names somebody"})
    wheres = [row.where for row in exported(sent, beside).redactions]
    assert {"", "/case/case/support_needs", "/case/case/words", f"/timeline, entry {following}"} < set(wheres)


def test_who_is_who_in_the_contract_goes_in_no_pack_and_is_listed_as_left_out(sent: World) -> None:
    case = open_case_of(sent)
    said = PeopleSaid(names={Relation.HOLDER: "Edith Marlowe", Relation.USER: "Tom Marlowe"})
    with sent.house.unit() as unit:
        name_people(unit, case, said=said, actor="customer")
    opened = exported(sent)
    assert "/case/case/people" in [row.where for row in opened.redactions]
    content = sent.export().content
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        texts = [pack.read(name) for name in pack.namelist()]
    assert not [text for text in texts if b"Marlowe" in text]
