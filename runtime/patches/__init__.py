"""Every patch of a third-party internal; read this folder before an upgrade."""
