"""Cases on the command line: names that can be copied, an address that can be sent, and advice that can be typed."""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from api.cli.case import NUMBERS, TRUTHS
from api.cli.client import TYPED, console
from api.cli.instance import Instance
from api.environment import client_address
from api.routes.disputes import EventIn
from api.routes.event_parts import OrderDaysIn, WhereaboutsIn
from tests.doors.command_line import CommandLine, signed_in
from tests.servers.witness import until


@pytest.fixture
def shell(instance: Instance, tmp_path: Path) -> CommandLine:
    """Lend the shell of a supervisor."""
    return signed_in(instance, "supervisor-1", tmp_path)


def test_a_case_is_named_in_full_on_a_narrow_terminal_and_its_page_with_the_services_address(
    shell: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 80)
    opened = shell.run("dispute", "open", "A power bank came", "--order", "SO-20991", "--claim", "substituted").out
    assert f"customer's page: {shell.address}/c/" in opened
    case = opened.split()[0]
    assert case in [row["dispute"] for row in shell.json("dispute", "list")["disputes"]]
    assert case in shell.run("dispute", "list").out
    written = shell.json("pack", case)
    assert written == {"file": f"{case}.zip", "bytes": (shell.folder / f"{case}.zip").stat().st_size}
    assert f"weaklink verify {case}.zip" in shell.run("pack", case).out


def test_part_of_the_price_is_offered_and_a_payment_that_came_back_is_told_in_a_line_each(
    instance: Instance, tmp_path: Path
) -> None:
    shell = signed_in(instance, "agent-1", tmp_path)
    sold = {"order": "SO-20992", "imei": "001017004829167", "price_pence": 54_000}
    assert httpx.post(
        f"{shell.address}/v1/orders", json=sold, headers={"authorization": f"Bearer {shell.token}"}
    ).is_success
    opened = shell.json("dispute", "open", "No charger", "--order", "SO-20992", "--claim", "missing_accessory")
    case, token = opened["dispute"], opened["customer_token"]
    assert opened["remedy"]["sum_to_name"]
    named = ("--with", "price_reduction_pence=2000", "--with", "claim_type=missing_accessory")
    moved = shell.json("dispute", "move", case, "classify", *named)
    assert moved["remedy"]["options"][-1]["words"] == "part of the price back: £20"
    assert "price_reduction (£20)" in shell.run("dispute", "show", case).out
    chosen = shell.json("dispute", "choose", token, "price_reduction", "--payout", "cheque")
    (promise,) = (one["promise"] for one in chosen["promises"] if one["amount_pence"] == 2_000)
    assert f"promise: {promise} part of the price back (£20) by " in shell.run("dispute", "show", case).out
    shell.run("dispute", "move", case, "delivered_or_paid", "--reference", "CHQ 1")
    told = ("--reference", "RETURNED 1", "--with", f"promise={promise}")
    assert "(came back)" in shell.run("dispute", "move", case, "payment_came_back", *told).out


def test_a_lock_that_was_refused_is_shown_with_the_reason(shell: CommandLine) -> None:
    sold = {"order": "SO-20995", "imei": "001017004829175"}
    by = {"authorization": f"Bearer {shell.token}"}
    assert httpx.post(f"{shell.address}/v1/orders", json=sold, headers=by).is_success
    opened = shell.json("dispute", "open", "It never came", "--order", "SO-20995", "--claim", "never_received")
    shown = shell.run("dispute", "show", opened["dispute"]).out
    assert re.search(r"lock_refused  system  entry \d+: no handset is registered under this IMEI", shown), shown


def test_a_case_is_shown_with_its_timeline_as_its_help_says(shell: CommandLine) -> None:
    opened = shell.run("dispute", "open", "It never came", "--claim", "never_received").out
    case = opened.split()[0]
    assert "None" not in opened
    moved = shell.run("dispute", "move", case, "support_needs", "--need", "letters in large print").out
    assert "support needs: letters in large print" in moved
    lines = shell.json("dispute", "show", case)["timeline"]
    assert [line["kind"] for line in lines] == ["opened", "support_needs"]
    said = [f"{line['at']}  {line['kind']}  {line['actor']}  entry {line['index']}" for line in lines]
    assert shell.run("dispute", "show", case).out.splitlines()[-2:] == said


def test_who_saw_a_case_is_told_on_the_command_line(shell: CommandLine) -> None:
    case = shell.json("dispute", "open", "It never came", "--claim", "never_received")["dispute"]
    shell.run("dispute", "show", case)
    (seen,) = until(lambda: shell.json("dispute", "viewings", case)["viewings"])
    assert (seen["account"], seen["dispute"]) == ("supervisor-1", case)
    assert case in shell.run("dispute", "viewings", case).out
    assert seen in shell.json("account", "viewings", "supervisor-1")["viewings"]
    assert case in shell.run("account", "viewings", "supervisor-1").out


def test_the_fields_of_a_move_that_are_no_text_are_sent_as_what_they_are(instance: Instance, tmp_path: Path) -> None:
    shell = signed_in(instance, "agent-1", tmp_path)
    kinds = {name: field.annotation for name, field in EventIn.model_fields.items()}
    assert {name for name, kind in kinds.items() if kind in {bool, bool | None}} == TRUTHS
    assert {name for name, kind in kinds.items() if kind in {int, int | None}} == NUMBERS
    case = shell.json("dispute", "open", "It never came")["dispute"]
    kind = ("classify", "--with", "claim_type=never_received")
    for said in ("agreed=perhaps", "version=one"):
        refused = shell.run("dispute", "move", case, *kind, "--with", said, expect=1)
        assert f"body.{said.partition('=')[0]}: Input should be a valid" in refused.err
    refused = shell.run("dispute", "move", case, *kind, "--with", "agreed=no", expect=1)
    assert "claim_type_set" in refused.err
    assert shell.json("dispute", "move", case, *kind, "--with", "agreed=yes")["claim_type"] == "never_received"


def test_a_lost_link_is_replaced_on_the_command_line(shell: CommandLine) -> None:
    case = shell.json("dispute", "open", "It never came")["dispute"]
    assert f"customer's page: {shell.address}/c/" in shell.run("dispute", "link", case).out


def test_the_days_of_an_order_have_a_door(shell: CommandLine) -> None:
    case = shell.json("dispute", "open", "The money has not come", "--claim", "returned_not_credited")["dispute"]
    day = ("--day", "proof_of_sending=2026-05-01")
    fix = shell.run("dispute", "move", case, "order_days", *day, expect=1).err
    assert "Send reference" in fix
    moved = shell.json("dispute", "move", case, "order_days", *day, "--reference", "RECEIPT-1")
    assert "charge_held" in moved["remedy"]["extras"]
    assert "refund_after_cancellation" in [clock["clock"] for clock in moved["clocks"]]


def test_a_need_that_is_learned_later_has_a_door(shell: CommandLine) -> None:
    case = shell.json("dispute", "open", "It never came")["dispute"]
    said = ("--need", "large print", "--need", "calls at ten")
    moved = shell.json("dispute", "move", case, "support_needs", *said)
    assert moved["support_needs"] == ["large print", "calls at ten"]
    moved = shell.json("dispute", "move", case, "needs", "--with", "has_working_phone=no")
    assert "a phone on loan" in [promise["what"] for promise in moved["promises"]]
    assert "Send support_needs" in shell.run("dispute", "move", case, "support_needs", expect=1).err


@pytest.mark.parametrize(
    ("said", "what", "names"),
    [
        (("--known", "bogus"), "body.whereabouts.bogus", WhereaboutsIn.model_fields),
        (("--known", ""), "body.whereabouts.", WhereaboutsIn.model_fields),
        (("--day", "soon=2026-05-01"), "body.order_days.soon", OrderDaysIn.model_fields),
        (("--with", "a"), "body.a", EventIn.model_fields),
    ],
)
def test_a_field_that_there_is_not_is_answered_with_those_that_there_are(
    shell: CommandLine, said: tuple[str, str], what: str, names: Mapping[str, object]
) -> None:
    told, fix = shell.run("dispute", "move", "case_none", "whereabouts", *said, expect=1).err.splitlines()[-2:]
    assert f"{what}: there is no such field" in told
    assert fix.strip() == f"Use one of {', '.join(names)}."


@pytest.mark.parametrize("line", ["dispute list", "lock list"])
def test_an_empty_state_is_not_every_state(shell: CommandLine, line: str) -> None:
    assert "there is no state ''" in shell.run(*line.split(), "--state=", expect=1).err


def test_every_list_that_advice_names_has_a_command() -> None:
    root = Path(__file__).parents[2]
    files = [file for house in ("api", "custody", "devicelock") for file in (root / house).rglob("*.py")]
    asked = {found for file in files for found in re.findall(r"with (GET /v1/[a-z/]+)", file.read_text())}
    assert asked <= {*TYPED}


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("dispute show case_none", "weaklink dispute list"),
        ("lock show lock_none", "weaklink lock list"),
        ("lock clear policy:none --why looked", "weaklink lock groups"),
        ("lock release policy:none", "weaklink lock groups"),
        ("lock alerts --seen alert_none", "weaklink lock alerts"),
        ("lock authority --approve auth_none", "weaklink lock authority"),
        ("station group nobody north", "weaklink station list"),
        ("account close nobody", "weaklink account list"),
        ("dispute move case_none needs --with version=one", "--help"),
    ],
)
def test_what_to_do_is_told_as_it_is_typed(shell: CommandLine, line: str, typed: str) -> None:
    fix = shell.run(*line.split(), expect=1).err.splitlines()[-1]
    assert f"`{typed}`" in fix
    assert [word for word in ("/v1/", "/docs") if word in fix] == []


def test_who_promised_it_is_not_lost_for_want_of_what_was_promised(shell: CommandLine) -> None:
    told = shell.run("dispute", "open", "It never came", "--told-by", "the shop", expect=1)
    assert "--told is missing" in told.err
    assert "the shop" not in shell.run("dispute", "list").out


def test_a_sum_below_nothing_is_refused_as_a_number_that_is_too_small(shell: CommandLine) -> None:
    case = shell.json("dispute", "open", "It never came")["dispute"]
    said = ("--with", "what=a call", "--with", "amount_pence=-1")
    refused = shell.run("dispute", "move", case, "told", *said, expect=1).err
    assert "greater than" in refused or "the sum is no sum" in refused
    assert "valid integer" not in refused


def test_an_address_that_is_set_to_nothing_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEAKLINK_URL", raising=False)
    usual = client_address()
    monkeypatch.setenv("WEAKLINK_URL", " ")
    assert client_address() == usual
