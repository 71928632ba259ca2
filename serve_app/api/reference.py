"""/openapi.json with problem+json errors, and /docs served from local files without a CDN."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from serve_app.api.examples import add_examples
from serve_app.api.problems import MEDIA_TYPE

ASSETS = "/docs/assets"


def add_docs(app: FastAPI) -> None:
    """Adds /docs and its assets; marks errors as problem JSON in OpenAPI."""
    app.mount(ASSETS, StaticFiles(directory=_swagger_folder()), name="docs-assets")
    app.add_api_route("/docs", _docs_page(), include_in_schema=False, response_class=HTMLResponse)
    app.openapi = lambda: _openapi_schema(app)  # pyright: ignore[reportAttributeAccessIssue]


def _docs_page() -> Callable[[], Awaitable[Response]]:
    """Returns the /docs route. Its CSP allows only the local Swagger UI and its inline script."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Paperworks API",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="data:,",
    ).body
    headers = {"Content-Security-Policy": _page_policy(bytes(page).decode())}

    async def docs() -> Response:
        return HTMLResponse(page, headers=headers)

    return docs


def _page_policy(page: str) -> str:
    """Returns the Content-Security-Policy of the page.

    Scripts: own files, and the inline scripts of this page by hash. Styles: own files; Swagger UI
    sets the style of its elements by script. Connections: only to this service.
    """
    inline = [rest.partition("</script>")[0] for rest in page.split("<script>")[1:]]
    digests = [b64encode(sha256(script.encode()).digest()).decode() for script in inline]
    scripts = [f"'sha256-{digest}'" for digest in digests]
    return (
        f"default-src 'none'; script-src 'self' {' '.join(scripts)}; "
        "style-src 'self'; img-src 'self' data:; font-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _swagger_folder() -> Path:
    """Returns the Swagger UI folder of the fastapi-offline package without importing it."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("fastapi-offline, which contains the files of /docs")
    return Path(spec.origin).parent / "static"


def _openapi_schema(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path in schema["paths"].values():
            for operation in path.values():
                _add_malformed_body(operation)
                _mark_problems(operation["responses"])
        add_examples(schema["components"]["schemas"])
        app.openapi_schema = schema
    return app.openapi_schema


def _add_malformed_body(operation: dict[str, Any]) -> None:
    """Adds the response to a body that cannot be parsed, which FastAPI rejects before the route."""
    if "requestBody" in operation:
        invalid = operation["responses"]["422"]
        described = {**invalid, "description": HTTPStatus.BAD_REQUEST.phrase}
        operation["responses"].setdefault(str(HTTPStatus.BAD_REQUEST.value), described)


def _mark_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if int(status) >= 400:
            [schema] = response["content"].values()
            response["content"] = {MEDIA_TYPE: schema}
