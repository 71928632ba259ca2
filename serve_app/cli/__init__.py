"""The commands of the `paperworks` command line, one module each, and their shared output code."""
