"""The webhooks, and the deliveries of one. The browser sends the changes to /api/v1/webhooks."""

from __future__ import annotations

from fastapi import Request, Response

from domain.webhooks import DeliveryStatus, WebhookEvent
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.parameters import Cursor
from serve_app.api.services import ServicesDep
from serve_app.api.webhooks import WebhookId
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render, wants_fragment

router = page_router(ADMINISTERS)
DELIVERIES_PER_PAGE = 50
EVENTS = {
    WebhookEvent.COMPLETED: "is completed",
    WebhookEvent.PARTIAL: "is partly completed",
    WebhookEvent.FAILED: "has failed",
    WebhookEvent.CANCELLED: "was cancelled",
}
BADGES = {
    DeliveryStatus.PENDING: "queued",
    DeliveryStatus.DELIVERED: "completed",
    DeliveryStatus.ABANDONED: "failed",
}


@router.get("/system/webhooks")
async def webhooks_page(request: Request, services: ServicesDep) -> Response:
    """Returns the page, or for htmx the list of webhooks alone; no page contains a secret."""
    return render(
        request,
        "webhook_list.html" if wants_fragment(request) else "webhooks.html",
        webhooks=await services.webhooks.list(),
        events=EVENTS,
    )


@router.get("/system/webhooks/{webhook_id}")
async def webhook_page(
    request: Request, services: ServicesDep, webhook_id: WebhookId, cursor: Cursor = None
) -> Response:
    """Returns the page of a webhook with its deliveries, or for htmx its state alone."""
    listed = await services.webhooks.deliveries(
        webhook_id, cursor=cursor, limit=DELIVERIES_PER_PAGE
    )
    return render(
        request,
        "webhook_state.html" if wants_fragment(request) else "webhook.html",
        webhook=await services.webhooks.get(webhook_id),
        deliveries=listed.items,
        next_cursor=listed.next_cursor,
        cursor=cursor,
        events=EVENTS,
        badges=BADGES,
    )
