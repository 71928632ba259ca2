"""Use cases of the library, independent of HTTP and Ray."""
