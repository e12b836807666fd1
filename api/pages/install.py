"""Putting the pages into the application."""

from fastapi import FastAPI

from api.pages import (
    account,
    assets,
    bought,
    case_acts,
    cases,
    complain,
    customers,
    docs,
    door,
    for_a_lawyer,
    inquiry_steps,
    investigations,
    lessons,
    locks,
    overturned,
    referrals,
    sign_on,
    sign_out,
    trails,
    troubles,
)

ROUTERS = (
    door,
    sign_on,
    sign_out,
    cases,
    case_acts,
    referrals,
    locks,
    investigations,
    inquiry_steps,
    overturned,
    lessons,
    trails,
    account,
    customers,
    complain,
    bought,
    docs,
    for_a_lawyer,
    assets,
)


def install(app: FastAPI) -> None:
    """Every page, and errors as pages where people look."""
    for module in ROUTERS:
        app.include_router(module.router)
    troubles.install(app)
