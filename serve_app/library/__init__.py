"""The use cases of the library: they know neither HTTP nor Ray."""
