"""Finds and repairs differences between PostgreSQL, Milvus and the blob store."""
