"""An investigation from its ranking to what is mended for good: checks, conclusion, fix, opening again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.pages.times import sentence, signed
from custody.investigation.percent import percent
from custody.investigation.verify.pack import verify_pack
from custody.kernel.errors import Conflict, Forbidden, Rejected
from simulators import customer
from simulators.network import World
from tests.stories.http_service import Service, running_service, small_network

CONCLUSION = {
    "event": "conclude",
    "finding": "A box was opened at a hub and closed again.",
    "why": "The weight falls there by as much as the phone weighs.",
    "probability": 0.86,
    "low": 0.7,
    "high": 0.93,
}
FIX = {
    "event": "file_fix",
    "fix": "Every box is weighed when it leaves a hub.",
    "owner": "head of sorting",
    "due": "2999-01-31",
}


class Desk:
    """An investigator at one case."""

    def __init__(self, service: Service, world: World) -> None:
        self.service = service
        self.opened = customer.report(service.client, world.late_find)
        self.path = f"/v1/investigations/{self.opened.dispute}"

    def take(self, by: str = "investigator-1", **body: Any) -> dict[str, Any]:
        """One step."""
        taken: dict[str, Any] = self.service.staff[by].client.post(f"{self.path}/events", body)
        return taken

    def run(self, by: str = "investigator-1") -> dict[str, Any]:
        """Judge the chain."""
        found: dict[str, Any] = self.service.staff[by].client.post(f"{self.path}/run")
        return found

    def told(self) -> str:
        """All that the customer was told."""
        link = self.service.client.as_caller("").get(f"/v1/customer/{self.opened.token}")
        return "\n".join(said["text"] for said in link["messages"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own."""
    with running_service(Path(tmp_path_factory.mktemp("inquiry")) / "data") as house:
        yield house


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """The parcels that travelled."""
    return small_network(service)


def test_an_investigation_goes_from_its_ranking_to_what_is_mended(service: Service, world: World) -> None:
    desk = Desk(service, world)
    best = desk.run()["checks"][0]
    asked = desk.take(event="do_check", check=best["check"])
    assert (asked["state"], asked["possible"]) == ("checking", ["result", "conclude"])
    with pytest.raises(Conflict, match="not possible"):
        desk.take(event="do_check", check="another")
    seen = desk.take(event="result", found=True, words="At 02:14 a box is opened.")
    assert (seen["state"], seen["fix_due"]) == ("ranked", None)
    assert seen["steps"][-1]["facts"] == {
        "check": best["check"],
        "title": best["title"],
        "own": best["own"],
        "stay": best["stay"],
        "who": best["who"],
        "found": True,
        "words": "At 02:14 a box is opened.",
        "line": 4,
    }
    over = desk.take(**CONCLUSION)
    assert (over["state"], over["possible"]) == ("concluded", ["file_fix", "reopen"])
    assert over["fix_due"] > over["steps"][-1]["at"]
    with pytest.raises(Conflict, match="has its conclusion"):
        desk.run()
    learned = desk.take("supervisor-1", **FIX)
    assert (learned["state"], learned["possible"], learned["fix_due"]) == ("learned", [], None)
    taken = ["ranked", "check_asked", "check_done", "concluded", "fix_filed"]
    assert [step["step"] for step in learned["steps"]] == taken
    assert all(isinstance(step["index"], int) for step in learned["steps"])
    for words in (CONCLUSION["finding"], FIX["fix"]):
        assert str(words) in desk.told()
    for words in (CONCLUSION["why"], "At 02:14", FIX["owner"]):
        assert str(words) not in desk.told()
    pack = service.staff["investigator-1"].pack(desk.opened.dispute)
    verify_pack(pack, vkey=service.client.get("/v1/log")["vkey"]).demand()
    service.audit()


def test_a_check_that_is_awaited_is_awaited_still_when_the_chain_is_judged_again(
    service: Service, world: World
) -> None:
    desk = Desk(service, world)
    asked = {"event": "do_check", "check": desk.run()["checks"][0]["check"]}
    assert desk.take(**asked)["state"] == "checking"
    desk.run()
    seen = desk.take(event="result", found=False, words="Nobody opens a box.")
    assert (seen["state"], seen["steps"][-1]["facts"]["check"]) == ("ranked", asked["check"])


def test_what_a_check_has_shown_counts_when_the_chain_is_judged_again(service: Service, world: World) -> None:
    desk = Desk(service, world)
    before = desk.run()
    best = before["checks"][0]
    assert "_" not in best["title"]
    desk.take(event="do_check", check=best["check"])
    desk.take(event="result", found=True, words="The seal on the photo is another one.")
    after = desk.run()
    assert best["check"] not in {check["check"] for check in after["checks"]}
    assert [link["probability"] for link in after["links"]] != [link["probability"] for link in before["links"]]
    assert [reason["evidence"] for reason in after["reasons"]][-1] == "checks"
    leading = after["links"][0]
    page = f"{service.address}/console/investigations/{desk.opened.dispute}/links/{leading['column']}"
    shown = httpx.get(page, headers={"authorization": f"Bearer {service.token('investigator-1')}"}, timeout=30).text
    reasons = re.findall(r'<th scope="row">([^<]+)</th>.*?<td class="n">([^<]+)</td>', shown)
    assert reasons == [(sentence(each["evidence"]), signed(each["decibans"])) for each in after["reasons"]]
    assert f"<strong>{percent(leading['probability'])}</strong>" in shown
    pack = service.staff["investigator-1"].pack(desk.opened.dispute)
    verify_pack(pack, vkey=service.client.get("/v1/log")["vkey"]).demand()


def test_a_supervisor_has_the_chain_judged_as_an_investigator_has(service: Service, world: World) -> None:
    desk = Desk(service, world)
    found = desk.run("supervisor-1")
    assert found["links"] == desk.run()["links"]


def test_where_nothing_stands_out_no_link_and_no_key_is_listed_as_a_pattern(service: Service, world: World) -> None:
    assert Desk(service, world).run()["hotspots"] == []


def test_the_same_step_again_is_done_once(service: Service, world: World) -> None:
    desk = Desk(service, world)
    desk.run()
    first = desk.take(**CONCLUSION)
    assert desk.take(**CONCLUSION) == first
    with pytest.raises(Conflict, match="not possible"):
        desk.take(**{**CONCLUSION, "finding": "It was lost on a van."})
    assert desk.told().count(str(CONCLUSION["finding"])) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"finding": " "}, "finding is empty"),
        ({"why": ""}, "reasons"),
        ({"probability": None}, "confidence_stated"),
        ({"low": 0.9}, "confidence_stated"),
        ({"high": 1.1}, "confidence_stated"),
        ({"finding": "The SLA was missed."}, "text"),
    ],
)
def test_a_conclusion_states_its_finding_reasons_and_interval(
    concluding: Desk, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises((Conflict, Rejected)) as refused:
        concluding.take(**{**CONCLUSION, **wrong})
    assert said in f"{refused.value.code} {refused.value.detail} {refused.value.facts}"
    assert concluding.run()["links"]


@pytest.fixture(scope="module")
def concluding(service: Service, world: World) -> Desk:
    """An investigation whose chain was judged."""
    desk = Desk(service, world)
    desk.run()
    return desk


def test_a_check_is_one_of_the_last_ranking(concluding: Desk) -> None:
    with pytest.raises(Rejected, match="no check of the last ranking"):
        concluding.take(event="do_check", check="ask the customer for a video")


def test_a_fix_has_an_owner_by_name_and_a_day_to_come(service: Service, world: World) -> None:
    desk = Desk(service, world)
    desk.run()
    desk.take(**CONCLUSION)
    for wrong in ({"owner": " "}, {"due": None}, {"due": "2020-01-31"}, {"fix": ""}):
        with pytest.raises((Conflict, Rejected)):
            desk.take(**{**FIX, **wrong})
    assert desk.take(**FIX)["state"] == "learned"


def test_one_without_a_chain_ends_with_nothing_found_and_goes_on_when_there_is_something_new(service: Service) -> None:
    answer = service.client.as_caller("").post("/v1/disputes", {"words": "Not here.", "claim_type": "never_received"})
    path = f"/v1/investigations/{answer['dispute']}/events"
    investigator = service.staff["investigator-1"].client
    ended = investigator.post(path, {"event": "nothing_found", "why": "No parcel is known."})
    assert ended["state"] == "concluded"
    again = investigator.post(path, {"event": "reopen", "why": "The parcel was named."})
    assert (again["state"], again["possible"]) == ("gathering", ["nothing_found"])
    assert investigator.get(path) == again


def test_a_form_of_the_page_is_read_by_the_kinds_of_its_fields(service: Service, world: World) -> None:
    desk = Desk(service, world)
    best = desk.run()["checks"][0]
    by = {"authorization": f"Bearer {service.token('investigator-1')}", "sec-fetch-site": "same-origin"}
    page = f"/console/investigations/{desk.opened.dispute}/steps"
    typed = {**CONCLUSION, "probability": "86 %", "low": "70", "high": "93.5"}
    with httpx.Client(base_url=service.address, headers=by, timeout=30) as http:
        assert http.post(f"{page}/do_check", data={"check": best["check"]}).status_code == 303
        seen = {"found": "perhaps", "words": "A box is opened."}
        assert http.post(f"{page}/result", data=seen).status_code == 422
        assert http.post(f"{page}/result", data={**seen, "found": "no"}).status_code == 303
        assert http.post(f"{page}/conclude", data={**typed, "high": "most of it"}).status_code == 422
        assert http.post(f"{page}/conclude", data=typed).status_code == 303
    steps = service.staff["investigator-1"].client.get(f"{desk.path}/events")["steps"]
    assert steps[-2]["facts"]["found"] is False
    assert {name: steps[-1]["facts"][name] for name in ("probability", "low", "high")} == {
        "probability": 0.86,
        "low": 0.7,
        "high": 0.935,
    }


def test_agents_and_strangers_take_no_step(service: Service, concluding: Desk) -> None:
    with pytest.raises(Forbidden):
        concluding.take("agent-1", event="reopen", why="x")
    with pytest.raises(Forbidden):
        concluding.take("supervisor-1", **CONCLUSION)
    with pytest.raises((Forbidden, Rejected)):
        service.client.as_caller("").post(f"{concluding.path}/events", {"event": "reopen", "why": "x"})
