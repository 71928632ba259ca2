"""Jobs, tasks, documents, citations and events in PostgreSQL."""
