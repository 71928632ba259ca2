"""Routes of pages: errors are pages that state what happened and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from domain.errors import InvalidRequest, PaperworksError
from serve_app.api.problems import request_id_of, status_of
from serve_app.http.errors import UnknownRoute
from serve_app.pages.rendering import render


class PageRoute(APIRoute):
    """A route whose errors are rendered as HTML."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_or_explain(request: Request) -> Response:
            try:
                return await answer(request)
            except PaperworksError as error:
                return error_page(request, error)
            except RequestValidationError:
                return error_page(
                    request, InvalidRequest("A value in the address of this page is not valid.")
                )

        return answer_or_explain


def page_router(*dependencies: Any) -> APIRouter:
    """Returns a router for pages, which are not part of the OpenAPI document."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=dependencies)


def explain_unknown_pages(app: FastAPI) -> None:
    """Answers browsers with a page if there is no page at an address; programs get a problem."""
    answer_problem: Any = app.exception_handlers[HTTPException]

    async def explain(request: Request, error: Exception) -> Response:
        is_page = "text/html" in request.headers.get("Accept", "")
        if is_page and getattr(error, "status_code", None) == HTTPStatus.NOT_FOUND:
            return error_page(request, UnknownRoute("There is no page at this address."))
        return await answer_problem(request, error)

    app.add_exception_handler(HTTPException, explain)


def error_page(request: Request, error: PaperworksError) -> Response:
    """Returns the page that states the error, with its status."""
    status = HTTPStatus(status_of(error))
    values = {"phrase": status.phrase, "error": error, "request_id": request_id_of(request)}
    return render(request, "error.html", status, **values)
