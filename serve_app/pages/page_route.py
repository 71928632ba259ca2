"""Routes of pages: errors are pages that state what happened and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from domain.errors import InvalidRequest, PaperworksError
from serve_app.api.problems import status_of
from serve_app.pages.rendering import render


class PageRoute(APIRoute):
    """A route whose errors are rendered as HTML."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_or_explain(request: Request) -> Response:
            try:
                return await answer(request)
            except PaperworksError as error:
                return _error_page(request, error)
            except RequestValidationError:
                return _error_page(
                    request, InvalidRequest("A value in the address of this page is not valid.")
                )

        return answer_or_explain


def page_router() -> APIRouter:
    """Returns a router for pages, which are not part of the OpenAPI document."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def _error_page(request: Request, error: PaperworksError) -> Response:
    status = HTTPStatus(status_of(error))
    request_id = request.scope.get("state", {}).get("request_id")
    return render(
        request, "error.html", status, phrase=status.phrase, error=error, request_id=request_id
    )
