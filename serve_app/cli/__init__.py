"""What `paperworks` can do, one file per command."""
