"""Storage: PostgreSQL (jobs, documents), Milvus (chunks and vectors), blobs (PDFs, artifacts)."""
