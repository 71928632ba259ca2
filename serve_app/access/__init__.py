"""Access control: API keys, sessions of browsers, scopes, and rate limits."""
