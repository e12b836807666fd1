"""Every method that a path takes: what the Allow header of a 405 says (RFC 9110 section 15.5.6).

The framework names the methods of the first route of the path alone, and knows nothing of HEAD.
"""

from fastapi import Request
from starlette.routing import Match

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(request: Request) -> str:
    """The methods, as the header lists them."""
    asked = {"type": "http", "path": request.scope["path"], "root_path": request.scope["root_path"], "headers": []}
    taken = [method for method in METHODS if _is_taken(request, {**asked, "method": method})]
    return ", ".join(("GET, HEAD" if method == "GET" else method) for method in taken)


def _is_taken(request: Request, scope: dict[str, object]) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)
