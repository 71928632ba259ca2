"""Domain records as the schemas of the HTTP API."""
