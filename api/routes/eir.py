"""The equipment identity register for network functions: N5g-eir_EquipmentIdentityCheck (3GPP TS 29.511).

One resource, `/n5g-eir-eic/v1/equipment-status`. `supi` and `gpsi` are taken, however long (TS 29.571 sets no bound,
and a network access identifier is longer than an IMSI), and neither used nor kept. An error has the form that the 5G
core expects (TS 29.500 section 5.2.7.2): a problem document with a `cause` and the parameter that is wrong. Who may ask
is decided by the dependencies that the caller of `build_router` puts in front.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.params import Depends
from fastapi.responses import JSONResponse

from api.http.problems import MEDIA_TYPE, UNKEPT
from custody.kernel.clock import Clock
from custody.kernel.errors import NotFound, Rejected
from devicelock.backends.eir_list import EirEntry
from devicelock.backends.eir_status import equipment_status

UNKNOWN = "ERROR_EQUIPMENT_UNKNOWN"
MISSING, INCORRECT = "MANDATORY_QUERY_PARAM_MISSING", "MANDATORY_QUERY_PARAM_INCORRECT"


def build_router(
    entries: Callable[[], Mapping[str, EirEntry]], clock: Clock, *, dependencies: Sequence[Depends] = ()
) -> APIRouter:
    """The router over a list that is read at every question."""
    router = APIRouter(prefix="/n5g-eir-eic/v1", tags=["equipment identity"], dependencies=list(dependencies))

    @router.get("/equipment-status", response_model=None)
    def status(pei: str | None = None, supi: str | None = None, gpsi: str | None = None) -> JSONResponse:
        """WHITELISTED, BLACKLISTED or GREYLISTED."""
        del supi, gpsi
        if pei is None:
            return _wrong(MISSING, "pei is missing")
        try:
            found = equipment_status(entries(), pei, now_s=clock.now_ms() // 1000)
        except NotFound as error:
            return _problem(HTTPStatus.NOT_FOUND, UNKNOWN, error.detail)
        except Rejected as error:
            return _wrong(INCORRECT, error.detail)
        return JSONResponse({"status": str(found)}, headers=UNKEPT)

    return router


def _wrong(cause: str, detail: str) -> JSONResponse:
    wrong = [{"param": "query pei", "reason": detail}]
    return _problem(HTTPStatus.BAD_REQUEST, cause, detail, invalidParams=wrong)


def _problem(status: HTTPStatus, cause: str, detail: str, **more: object) -> JSONResponse:
    body = {"title": status.phrase, "status": int(status), "detail": detail, "cause": cause, **more}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=UNKEPT)
