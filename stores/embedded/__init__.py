"""Embedded PostgreSQL and Milvus Lite servers, as child processes of the service."""
