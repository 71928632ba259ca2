"""PostgreSQL and Milvus Lite as child processes of the service."""
