"""The Python client of the HTTP API: `from serve_app.client import Client`."""

from serve_app.client.calls import PaperworksProblem, ServiceUnreachable
from serve_app.client.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "PaperworksProblem", "ServiceUnreachable"]
