"""Files that customers give: no page reads what is in them, and no case takes the disk of all others."""

import io
import tracemalloc
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from custody.store import evidence_book
from tests.doors.case_desk import OURS, CaseDesk
from tests.waiting import until

LONG = 24 * 1024 * 1024


def give(desk: CaseDesk, told: dict[str, str], name: str, content: bytes) -> int:
    link = f"/v1/customer/{told['customer_token']}/files"
    return desk.http.post(link, files={"file": (name, content)}).status_code


@pytest.mark.parametrize("page", ["/v1/customer/{link}", "/c/{link}", "/c/{link}/status", "/console/cases/{case}"])
def test_a_page_that_lists_files_reads_none_of_them(desk: CaseDesk, page: str) -> None:
    told = desk.report()
    assert give(desk, told, "unboxing.mp4", bytes(LONG)) == 201
    address = page.format(link=told["customer_token"], case=told["dispute"])
    headers = desk.by("agent-1") if "console" in page else {}
    assert desk.http.get(address, headers=headers).status_code == 200
    tracemalloc.start()
    try:
        assert desk.http.get(address, headers=headers).status_code == 200
        assert tracemalloc.get_traced_memory()[1] < LONG / 4
    finally:
        tracemalloc.stop()


def test_joining_two_reports_reads_no_file(desk: CaseDesk) -> None:
    first, second = desk.report(), desk.report()
    assert give(desk, first, "unboxing.mp4", bytes(LONG)) == 201
    tracemalloc.start()
    try:
        assert desk.event(first, "agent-1", "merge", into=second["dispute"], consent=True).is_success
        assert tracemalloc.get_traced_memory()[1] < LONG / 4
    finally:
        tracemalloc.stop()
    assert [row["name"] for row in desk.own(second)["given"]] == ["unboxing.mp4"]


def test_the_customers_own_file_holds_what_they_gave_one_after_the_other(desk: CaseDesk) -> None:
    told = desk.report()
    films = [bytes([number]) * LONG for number in range(3)]
    for number, film in enumerate(films):
        assert give(desk, told, f"film-{number}.mp4", film) == 201
    with desk.http.stream("GET", f"/c/{told['customer_token']}/file") as answer:
        content = answer.read()
    assert (answer.status_code, int(answer.headers["content-length"])) == (200, len(content))
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        assert [pack.read(name) for name in pack.namelist() if name.endswith(".mp4")] == films


@pytest.mark.parametrize(("bound", "files"), [("MAX_CASE_BYTES", 2), ("MAX_CASE_FILES", 3)])
def test_a_case_holds_so_many_files_and_no_more(
    desk: CaseDesk, monkeypatch: pytest.MonkeyPatch, bound: str, files: int
) -> None:
    monkeypatch.setattr(evidence_book, bound, {"MAX_CASE_BYTES": 2_500, "MAX_CASE_FILES": 3}[bound])
    told, other = desk.report(), desk.report()
    answers = [give(desk, told, f"{number}.jpg", bytes(1_000)) for number in range(4)]
    assert answers == [201] * files + [413] * (4 - files)
    refused = desk.http.post(f"/c/{told['customer_token']}/files", files={"file": ("5.jpg", bytes(1_000))})
    assert (refused.status_code, "Call us" in refused.text) == (413, True)
    assert len(desk.own(told)["given"]) == files
    assert give(desk, other, "1.jpg", bytes(1_000)) == 201


def test_a_case_that_holds_no_more_files_still_takes_words(desk: CaseDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_book, "MAX_CASE_FILES", 1)
    told = desk.report()
    assert [give(desk, told, name, b"1") for name in ("1.jpg", "2.jpg")] == [201, 413]
    words = {"words": "It was a power bank."}
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/words", json=words).status_code == 201
    assert desk.http.post(f"/v1/customer/{told['customer_token']}/words", json=words).status_code == 413


def test_whoever_gives_too_long_a_film_reads_what_helps(desk: CaseDesk) -> None:
    told = desk.report()
    film = {"file": ("long.mp4", bytes(evidence_book.MAX_FILE_BYTES + 1))}
    page = desk.http.post(f"/c/{told['customer_token']}/files", files=film, headers=OURS)
    assert (page.status_code, "Send it in parts, or call us" in page.text) == (413, True)


@pytest.mark.parametrize("letter", ["a", "\N{LATIN SMALL LETTER A WITH RING ABOVE}", "\N{CJK UNIFIED IDEOGRAPH-7BB1}"])
def test_a_file_of_a_long_name_is_unpacked_on_any_system_and_keeps_its_ending(
    desk: CaseDesk, tmp_path: Path, letter: str
) -> None:
    told = desk.report()
    assert give(desk, told, f"{letter * 250}.heic", b"a photo") == 201
    content = desk.http.get(f"/c/{told['customer_token']}/file").content
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        pack.extractall(tmp_path)
    (photo,) = (tmp_path / "files").iterdir()
    assert (photo.suffix, photo.read_bytes()) == (".heic", b"a photo")
    assert [row["name"].endswith(".heic") for row in desk.own(told)["given"]] == [True]


def test_what_was_kept_under_a_longer_name_before_is_unpacked_too(desk: CaseDesk, tmp_path: Path) -> None:
    told = desk.report()
    assert give(desk, told, "photo.heic", b"a photo") == 201
    with desk.house.parts.house.unit() as unit:
        held = {"name": "\N{CJK UNIFIED IDEOGRAPH-7BB1}" * 200, "dispute": told["dispute"]}
        unit.session.execute(text("UPDATE evidence SET name = :name WHERE dispute = :dispute"), held)
    with zipfile.ZipFile(io.BytesIO(desk.http.get(f"/c/{told['customer_token']}/file").content)) as pack:
        pack.extractall(tmp_path)
    assert len(list((tmp_path / "files").iterdir())) == 1


def test_who_sends_the_form_without_a_file_is_told_so_and_nothing_is_given(desk: CaseDesk) -> None:
    told = desk.report()
    form = {"file": ("", b"", "application/octet-stream")}
    sent = desk.http.post(f"/c/{told['customer_token']}/files", files=form, headers=OURS)
    assert sent.status_code == 303
    assert "You chose no file, and that is fine." in desk.http.get(sent.headers["location"]).text
    assert desk.own(told)["given"] == []


def test_what_was_given_is_put_into_the_customers_own_file_as_it_stands(desk: CaseDesk) -> None:
    told = desk.report()
    assert give(desk, told, "unboxing.mp4", bytes(100_000)) == 201
    content = desk.http.get(f"/c/{told['customer_token']}/file").content
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        (film,) = [held for held in pack.infolist() if held.filename.endswith(".mp4")]
    assert (film.compress_type, film.compress_size) == (zipfile.ZIP_STORED, 100_000)


def test_whoever_fetches_a_large_file_over_and_over_takes_little_of_the_disk(desk: CaseDesk) -> None:
    large, small = desk.report(), desk.report()
    assert give(desk, large, "unboxing.mp4", bytes(LONG)) == 201
    link = f"/c/{large['customer_token']}/file"
    with ExitStack() as held:
        fetched = [held.enter_context(desk.http.stream("GET", link)) for _ in range(4)]
        assert [answer.status_code for answer in fetched] == [200, 200, 429, 429]
        assert int(fetched[-1].headers["retry-after"]) > 1
        assert desk.http.get(f"/c/{small['customer_token']}/file").is_success
    until(lambda: desk.http.get(link).is_success, within_s=30)
