"""The numbers: typed settings and deploy files."""
