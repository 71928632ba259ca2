"""Names that several processes must agree on."""

NAMESPACE = "paperworks"  # of every actor
APPLICATION = "paperworks"  # on Ray Serve
JOB_MANAGER = "job_manager"
EMBEDDED_STORES = "embedded_stores"
EMBEDDER = "embedder"
