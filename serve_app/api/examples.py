"""Examples of request bodies and of an error, for the OpenAPI document and /docs."""

from __future__ import annotations

from typing import Any

PAPER = "doc_48c85a8ff7d85cc7c494aa3c"

# By the name of the schema.
EXAMPLES: dict[str, dict[str, Any]] = {
    "AdoptRequest": {"collection": "recovered"},
    "CollectionChange": {"description": "Papers on job queues", "max_papers": 5000},
    "MetadataCorrection": {
        "title": "Durable Leases: What a Job Queue Owes a Document",
        "authors": ["Ada Lovelace", "Charles Babbage"],
        "year": 2025,
        "tags": ["to read"],
    },
    "NewCollection": {"name": "queues", "description": "Papers on job queues"},
    "NewFolderJob": {"folder": "/srv/papers", "collection": "queues"},
    "NewKey": {"name": "reading group", "scopes": ["search"], "collections": ["queues"]},
    "NewWebhook": {"url": "https://hooks.example.org/paperworks", "collections": ["queues"]},
    "Problem": {
        "type": "urn:paperworks:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": f"There is no document {PAPER}.",
        "request_id": "0a98d3d3d0de4a08b05de313c8d7f2aa",
    },
    "SearchFilters": {"author": "lovelace", "year_first": 2020, "sections": ["methods"]},
    "SearchRequest": {
        "query": 'fencing token "long pause" -backup',
        "collection": "queues",
        "filters": {"year_first": 2020},
        "limit": 5,
    },
    "WebhookSettings": {"enabled": False},
}


def add_examples(schemas: dict[str, dict[str, Any]]) -> None:
    """Adds the examples to the schemas of an OpenAPI document."""
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
