"""Rendering pages: one Jinja environment that escapes everything, and the headers that every page carries.

- Content-Security-Policy lets a page load styles, scripts and pictures only from this service, send forms only to it,
  and stand in no frame. Nothing is ever asked of another address.
- A page holds a case, so nobody may keep a copy of it (`Cache-Control: no-store`), and no other site reads the address
  of a customer's page (`Referrer-Policy: same-origin`). With `no-referrer` browsers would keep the `Origin` of our own
  forms from us too, and where they send no Sec-Fetch-Site nothing else tells where a form came from (Fetch, "append a
  request Origin header").
- What was said may hold characters that no HTML may; a page shows signs in their place. Fields of a form hold them as
  they were typed, since what stands there is sent again: words that people typed go before the rule of HTML.
- Pages work without scripts; the one script adds keys and live updates.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.http.problems import when_again
from api.pages import times, words
from api.pages.assets import address_of
from api.pages.sent_form import Sent
from api.people.accounts import Caller
from custody.gs1.imei import foreign_imei_urn, imei_digits
from custody.investigation.percent import percent
from custody.kernel.errors import Trouble
from custody.kernel.shown_text import shown_text

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LARGE = "large"
_FIELDS = re.compile("(<textarea.*?</textarea>|<input[^>]*>)", re.DOTALL)
"""Every `>` in a value is escaped."""


def page(
    request: Request,
    template: str,
    *,
    caller: Caller | None = None,
    status: int = 200,
    trouble: Trouble | None = None,
    sent: Sent | None = None,
    **facts: Any,
) -> HTMLResponse:
    """A whole page; a form that was refused comes back with what was `sent`. Large print is a part of the address."""
    sent = sent or Sent(trouble=trouble)
    body = _ENVIRONMENT.get_template(template).render(
        caller=caller,
        path=request.url.path,
        trouble=sent.trouble,
        sent=sent,
        large=request.query_params.get("size") == LARGE,
        done=DONE.get(request.query_params.get("done", "")),
        **facts,
    )
    wait = {} if sent.trouble is None else when_again(sent.trouble)
    return HTMLResponse(_with_signs(body), status_code=status, headers={**HEADERS, **wait})


def _with_signs(body: str) -> str:
    """The page with signs in the place of what no HTML may hold, but for its fields, which split off as odd parts."""
    parts = _FIELDS.split(body)
    return "".join(part if at % 2 else shown_text(part) for at, part in enumerate(parts))


def see(path: str, *, done: str = "", at: str = "", large: bool = False) -> RedirectResponse:
    """Go on with a page after a form; `done` is a word of `DONE`, `at` a part of the page."""
    asked = {"done": done, "size": LARGE if large else ""}
    query = urlencode({name: word for name, word in asked.items() if word})
    query = f"?{query}" if query else ""
    fragment = f"#{quote(at)}" if at else ""
    return RedirectResponse(f"{path}{query}{fragment}", status_code=303, headers={"Cache-Control": "no-store"})


DONE: Mapping[str, str] = {
    "linked": "Linked. From now on you sign in there, and elsewhere you were signed out.",
    "typed": "The kind of problem is set and the remedy is offered.",
    "offered": "The remedy is offered again.",
    "days": "The days are written down, and the law's days count from them.",
    "people": "Written down, and nothing has to be shown for it. The customer is told.",
    "collected": "Promised for that day. The customer is told.",
    "without": "Promised, with a date. The customer is told.",
    "in_favour": "Written down in their favour.",
    "copy_asked": "Promised by its day. The customer is told.",
    "copy_longer": "The customer was told why, and until when by law.",
    "data_complaint": "The customer was told that we have it. An answer is promised by its day.",
    "needs": "Written down. Everybody who works on the case sees it.",
    "need_mistaken": "Taken out, and the customer is told.",
    "told": "Written down. The customer is told until when we look at it.",
    "exception": "Written down. Somebody who may decide has it, and the customer is told until when.",
    "allowed": "Allowed and promised. The customer is told.",
    "instead": "Something else is promised, and the customer is told why.",
    "two_answers": "Written down. The better answer binds us, and the customer is told.",
    "learned": "Written down as learned.",
    "rebutted": "Rebutted, and the customer is told why.",
    "kept": "Written down as kept.",
    "recognised": "Written down. Nobody asks them again who they are.",
    "referred": "Referred. The case stays here until somebody at that desk accepts it.",
    "accepted": "The case is yours, with all that was promised. The customer was told your name.",
    "stays": "The case stays where it was.",
    "came_back": "The same sum is promised again, and the customer is told.",
    "owed_again": "The credit is owed again, and the customer is told.",
    "credited": "The credit is written down as paid.",
    "decline_proposed": "The customer is told what was found, and by which day we hear them.",
    "heard": "Accepted. The case goes on to a remedy.",
    "declined": "Declined. The letter for the independent scheme left at once.",
    "deadlock": "The letter for the independent scheme left.",
    "mind_changed": "The customer was told that we were wrong. Offer a remedy.",
    "with_scheme": "Written down: the scheme has the case.",
    "scheme_decided": "Written down. The customer says yes or no; to a large sum once a second person wrote it too.",
    "joined": "The two reports are joined, and this one goes on.",
    "asked": "The customer was asked for one thing, once.",
    "chosen": "The choice is written down, and the promise has a date.",
    "remedied": "The remedy is written down as delivered. The customer is asked whether it is right.",
    "reopened": "The case is open again. Its first date still counts.",
    "lock": "The lock was asked for. A second person decides.",
    "whereabouts": "Written down. See below what follows for a lock.",
    "approved": "Approved. The command is signed and on its way.",
    "refused": "Refused. The person who asked sees why.",
    "confirmation": "Written down. It takes two different people to keep a lock beyond 72 hours.",
    "released": "The release is signed and on its way.",
    "proposed": "Proposed. Another supervisor puts it in force.",
    "in_force": "In force, and an entry of the log.",
    "withdrawn": "Withdrawn. Nothing more is locked under it.",
    "stopped": "All locking is stopped. Releases go on.",
    "started": "Locking is allowed again.",
    "cleared": "The group goes on. The next wrong lock stops it again.",
    "group_released": "The releases are signed and on their way; what waited for a second person is withdrawn.",
    "named": "Confirmed. Locks of this handset go there too from now on.",
    "alert_seen": "Written down that you have looked at it.",
    "ran": "The chain was judged with every other dispute and the whole traffic.",
    "step": "It is written down.",
    "password": "Your password is changed. Your other sessions have ended.",
    "ended_elsewhere": "Your other sessions have ended, and so have the tokens for the command line.",
    "account_made": "The account is made. Whoever it is for changes its password at once.",
    "account_closed": "The account is closed, and its sessions have ended.",
    "away": "Written down. No new case comes, and after some minutes the open ones get another owner.",
    "back": "Written down. New cases come again.",
    "signed_out": "You are signed out.",
    "c_kind": "Thank you. Now we know what kind of problem it is.",
    "c_chosen": "Thank you. Your choice is written down, with a date.",
    "c_found": "We are glad you found it. Thank you. If we locked it, see below how it is unlocked.",
    "c_disagree": "Thank you for telling us. It is written down, and we look at it again.",
    "c_confirm": "Thank you. Your case is closed. You can open it again here.",
    "c_decision": "Thank you. We wrote down what you said.",
    "c_withdraw": "You took your report back. You can open it again here.",
    "c_answer": "Thank you. We have it and will not ask again.",
    "c_skip": "That is fine. It does not count against you.",
    "c_words": "Thank you. We have your words, and we read them.",
    "c_told": "Thank you. We wrote it down, and we told you until when we look at it.",
    "c_people": "Thank you. We wrote it down. You need not prove any of it.",
    "c_collection": "We come then, and it is free. The day is under what we promised.",
    "c_words_ended": "Thank you. We have your words. Your case has ended. Should we act on it? Open your case again.",
    "c_file_ended": "Thank you. We have your file. Your case has ended. Should we act on it? Open your case again.",
    "c_no_file": "You chose no file, and that is fine. To give us one, choose it first.",
    "c_data_copy": "You get a copy of all that we hold about you. The day is under what we promised.",
    "c_data_complaint": "Thank you. We have that, and a person answers you. The day is under what we promised.",
    "c_file": "Thank you. We have your file. We will not ask for it again.",
}


def _imei(urn: str) -> str:
    """An IMEI as its digits; anything else as it is."""
    return imei_digits(urn) if foreign_imei_urn(urn) else urn


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"words": words, "asset": address_of}
    environment.filters |= {
        "when": times.when,
        "moment_words": times.moment_words,
        "day_words": times.day_words,
        "span": times.span_words,
        "key": times.short_key,
        "grams": times.grams,
        "spelled": times.spelled,
        "counted": times.counted,
        "pounds": times.pounds,
        "signed": times.signed,
        "sentence": times.sentence,
        "percent": percent,
        "imei": _imei,
        "lock_group": words.lock_group,
        "worded": lambda code, table: words.worded(table, code),
    }
    return environment


_ENVIRONMENT = _environment()
