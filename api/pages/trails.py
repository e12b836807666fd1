"""The trail page: one parcel's whole way on one time axis, the ranked links, and what to look at next.

From top to bottom: the answer in one line; custodian lanes; weight; seals, keys and the network; ranked links; the next
best check; patterns over cases; whether the chain is whole; what can be done. Each chart has a table twin.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlmodel import Session

from api import joints
from api.find import cases_about, cases_of_orders
from api.pages.charts.axis import Axis, axis_over
from api.pages.charts.lanes import draw_lanes
from api.pages.charts.signs import Network, Row, draw_signs, key_row, network_row, seal_row
from api.pages.charts.weights import draw_weights
from api.pages.check_trail import Checked, check_trail
from api.pages.ranking import RankedLink, WeighedReason, leader_range, link_title, rank_links, weigh
from api.pages.render import see
from api.pages.visit import Decider, Staff
from api.parts import Parts
from api.receipt_address import receipt_address
from api.routes import investigations as doors
from custody.investigation.checks import with_results
from custody.investigation.explain import explain
from custody.kernel.errors import NotFound
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.trail.trail import Trail
from custody.usecases import investigate
from custody.usecases.read_trail import FoundTrail, read_trail
from devicelock import store as lock_store
from devicelock import watch_store

router = APIRouter(prefix="/console", include_in_schema=False)
RANKING = frozenset({"investigator", "supervisor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailCharts:
    """The charts of a trail; None where there is nothing to draw."""

    lanes: Markup
    weights: Markup | None
    signs: Markup
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """The answer of an investigation as it was stored last."""

    found: dict[str, Any]
    links: list[RankedLink]
    reasons: list[WeighedReason]
    leader: tuple[float, float] | None


@router.get("/trails")
def ask(visit: Staff, item: str = "") -> Response:
    """The form that asks for a trail; with an item, its trail."""
    if item.strip():
        return see(f"/console/trails/{quote(item.strip())}")
    return visit.page("ask_trail.html")


@router.get("/trails/{item:path}")
def trail(item: str, visit: Staff, *, case: str = "", check: bool = False, view: str = "") -> Response:
    """The trail of a parcel, by SSCC, IMEI in any form, or po:<order>."""
    with visit.parts.house.read() as session:
        found = read_trail(session, item, gaps=True)
        files = _cases(session, found.trail, case)
        file = files[0] if files else None
        networks = _networks(session, found.trail, file)
        ranked = _ranked(session, file, found.trail) if visit.caller.role in RANKING else None
        inquiry = inquiry_book.find(session, file.case.id) if file and visit.caller.role in RANKING else None
        checked = _check(visit.parts, session, found) if check else None
    axis = _axis(found.trail, networks)
    return visit.page(
        "trail.html",
        item=item,
        trail=found.trail,
        drawn=None if axis is None else _draw(found.trail, axis, networks, ranked),
        files=files,
        file=file,
        ranked=ranked,
        inquiry=inquiry,
        checked=checked,
        receipts={sealed.digest: receipt_address(sealed.digest, sealed.position) for sealed in found.scans},
        printing=view == "print",
    )


@router.get("/investigations/{dispute}/links/{column}")
def link(dispute: str, column: int, visit: Decider) -> Response:
    """The reasons for and against one link, weighed now with every other dispute and its own checks."""
    inquirer, house = visit.parts.inquirer, visit.parts.house
    with house.read() as session:
        file = case_book.read(session, dispute)
    inquirer.read_on(house, doors.tell)
    with house.read() as session:
        gathered = inquirer.gather(session, joints.attaches(session), asked=dispute)
        checked = investigate.results(session, dispute)
    judgement = with_results(gathered.judge().judgement(dispute), checked)
    if not 0 <= column < len(judgement.columns):
        raise NotFound("link", f"the chain has no link {column}", fix="Open it from the ranking.")
    told = explain(judgement, column=column)
    segments = judgement.dispute.segments
    site = segments[column].site if column < len(segments) else None
    step = str(segments[column].step) if column < len(segments) else None
    reasons = [
        {
            "evidence": reason.player,
            "decibans": reason.shapley,
            "without_it": reason.leave_one_out,
            "words": reason.words,
        }
        for reason in told.reasons
    ]
    return visit.page(
        "link.html",
        file=file,
        title=link_title({"site": site, "step": step, "name": told.name}),
        probability=float(judgement.columns[column]),
        base=told.base,
        score=told.score,
        weighed=weigh(reasons),
        history_carries=told.history_carries,
    )


def _cases(session: Session, trail: Trail, case: str) -> list[CaseFile]:
    """The cases about this parcel, the one asked for first."""
    orders = [reference.removeprefix("po:") for reference in trail.belongings.orders]
    names = {name for item in trail.belongings.items for name in item.names if "gsma:imei" in name}
    parcel = {trail.belongings.parcel} if trail.belongings.parcel else set()
    files = [*(cases_of_orders(session, orders) or cases_about(session, names | parcel, of_no_order=True))]
    if case and all(file.case.id != case for file in files):
        files.append(case_book.read(session, case))
    return sorted(files, key=lambda file: file.case.id != case)


def _networks(session: Session, trail: Trail, file: CaseFile | None) -> tuple[Network, ...]:
    """Where the handset was seen, its first switch-on first; each country, network and kind of SIM once."""
    names = [name for item in trail.belongings.items for name in sorted(item.names) if "gsma:imei" in name]
    imei = (file.imei if file else None) or next(iter(names), None)
    device = lock_store.device_by_imei(session, imei) if imei else None
    seen = watch_store.sightings_of(session, device.device) if device else []
    return tuple(Network(at_ms=row.at_ms, sim=row.sim, country=row.country, network=row.network) for row in seen)


def _ranked(session: Session, file: CaseFile | None, trail: Trail) -> Ranked | None:
    if file is None:
        return None
    try:
        found = investigate.recorded(session, file.case.id)
    except NotFound:
        return None
    if found is None:
        return None
    return Ranked(
        found=found, links=rank_links(found, trail), reasons=weigh(found["reasons"]), leader=leader_range(found)
    )


def _check(parts: Parts, session: Session, found: FoundTrail) -> Checked:
    here = {entry.index for entry in found.trail.entries}
    scans = [sealed for sealed in found.scans if sealed.index in here]
    return check_trail(session, scans, origin=parts.house.origin, log_key=parts.keyring.log.public)


def _axis(trail: Trail, networks: tuple[Network, ...]) -> Axis | None:
    moments = [entry.at_ms for entry in trail.entries]
    moments += [end for segment in trail.segments for end in (segment.from_ms, segment.to_ms) if end is not None]
    return axis_over([*moments, *(network.at_ms for network in networks)])


def _draw(trail: Trail, axis: Axis, networks: tuple[Network, ...], ranked: Ranked | None) -> TrailCharts:
    rows = (seal_row(trail), key_row(trail), network_row(networks))
    leading = ranked.links[0].segment if ranked and ranked.links else None
    return TrailCharts(
        lanes=draw_lanes(trail, axis, labelled_by="lanes-title", leading=leading),
        weights=draw_weights(trail.weight, axis, labelled_by="weight-title"),
        signs=draw_signs(rows, axis, labelled_by="signs-title"),
        rows=rows,
    )
