"""Responses that nothing may store: they contain a secret."""

from __future__ import annotations

from fastapi import Depends, Response


async def _forbid_storing(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


NOT_STORED = Depends(_forbid_storing)
