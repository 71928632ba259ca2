"""The typed Python client of the HTTP API, synchronous (`Client`) and for asyncio (`AsyncClient`).

    with Client("http://127.0.0.1:8000") as library:
        job = library.wait(library.upload("paper.pdf").job_id)
        for hit in library.search("sparse attention").hits:
            print(hit.title, hit.page_first, hit.text)

Every method raises PaperworksProblem with the `code` and `detail` of the service, or
ServiceUnreachable. Both clients retry while the queue is full (429), while a store is unavailable
(503), and while a service that has answered before is being restarted.
"""

from serve_app.client.async_client import AsyncClient
from serve_app.client.errors import PaperworksProblem, ServiceUnreachable
from serve_app.client.sync_client import Client

__all__ = ["AsyncClient", "Client", "PaperworksProblem", "ServiceUnreachable"]
