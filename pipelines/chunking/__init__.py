"""Cuts a paper into chunks of tokens."""
