"""The door: HTTP API, client, command line."""
