"""Uploads: parsed, stored and registered as jobs."""
