"""Where things rest: PostgreSQL, Milvus, blobs, and an in-memory twin of each."""
