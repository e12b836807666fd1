"""The doors of a witness (C2SP tlog-witness): add-checkpoint, and the last checkpoint of each log that it cosigned."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from custody.kernel.errors import NotFound, Trouble
from custody.usecases.witness_log import PLAIN, Witness, WitnessAnswer

MAX_BODY = 256 * 1024


def witness_app(witness: Witness) -> Starlette:
    """The web application around one witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    return Response("the body is too large\n", 400, media_type=PLAIN)
        except ClientDisconnect:
            return Response("the body ended too early\n", 400, media_type=PLAIN)
        answer = await run_in_threadpool(_answer, witness, bytes(body))
        return Response(answer.body, answer.status, headers={"Content-Type": answer.content_type})

    async def checkpoint(request: Request) -> Response:
        try:
            note = await run_in_threadpool(witness.checkpoint, request.path_params["name"])
        except NotFound as error:
            return Response(f"{error.detail}\n", 404, media_type=PLAIN)
        except (OSError, Trouble) as error:
            return Response(f"nothing is shown: {error}\n", 503, media_type=PLAIN)
        return Response(note, media_type=PLAIN, headers={"Cache-Control": "public, max-age=1"})

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{name}/checkpoint", checkpoint, methods=["GET"]),
        ]
    )


def _answer(witness: Witness, body: bytes) -> WitnessAnswer:
    try:
        return witness.add_checkpoint(body)
    except (OSError, Trouble) as error:
        return WitnessAnswer(status=503, body=f"nothing was cosigned: {error}\n")
