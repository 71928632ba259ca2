"""Serializers: convert domain records to the schemas of the HTTP API."""
