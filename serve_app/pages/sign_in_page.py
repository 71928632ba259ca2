"""The sign-in page: a key becomes a session of this browser; and signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from serve_app.access.gate import address_of, cookie_name, session_of
from serve_app.access.middleware import SIGN_IN
from serve_app.api.services import Services, ServicesDep
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import base_of, render
from stores.postgres.key_store import SESSION_SECONDS

router = page_router()
MAX_KEY_CHARACTERS, MAX_ADDRESS_CHARACTERS = 200, 8000
NextPage = Annotated[str, Form(max_length=MAX_ADDRESS_CHARACTERS)]
Key = Annotated[str, Form(max_length=MAX_KEY_CHARACTERS)]


@router.get(SIGN_IN)
async def sign_in_page(request: Request, services: ServicesDep, next: str = "/") -> Response:
    """Returns the form; without keys there is nothing to sign in to, so the library opens."""
    if not services.gate.is_closed:
        return _to(request, "/")
    return render(request, "sign_in.html", next=local_path(next), problem=None)


@router.post(SIGN_IN)
async def sign_in(
    request: Request, services: ServicesDep, key: Key = "", next: NextPage = "/"
) -> Response:
    """Opens a session for the key and returns to the page that asked for it."""
    await services.gate.count(request, address_of(request))
    found = await services.keys.find(key.strip())
    if found is None:
        problem = "This key is not valid: it is mistyped, revoked or expired."
        return render(request, "sign_in.html", 401, next=local_path(next), problem=problem)
    response = _to(request, local_path(next))
    response.set_cookie(
        cookie_name(request),
        await services.keys.open_session(found),
        max_age=SESSION_SECONDS,
        path=base_of(request) or "/",
        httponly=True,
        samesite="strict",
        secure=_is_encrypted(request, services),
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, services: ServicesDep) -> Response:
    """Ends the session of this browser."""
    if session := session_of(request):
        await services.keys.close_session(session)
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request), path=base_of(request) or "/")
    return response


def local_path(address: str) -> str:
    """Returns the address if it is a path of this service, else `/`.

    Browsers read `//host` and `/\\host` as the address of another host.
    """
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() else "/"


def _to(request: Request, path: str) -> RedirectResponse:
    return RedirectResponse(base_of(request) + path, 303, {"Cache-Control": "no-store"})


def _is_encrypted(request: Request, services: Services) -> bool:
    """True if browsers use HTTPS: directly, or by a TLS proxy that `http.origins` names."""
    behind_proxy = any(origin.startswith("https://") for origin in services.http.origins)
    return request.url.scheme == "https" or behind_proxy
