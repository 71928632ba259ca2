"""The wire format of the HTTP API."""
