"""Process management, ports, private files, the sandbox, and patches of third-party internals."""
