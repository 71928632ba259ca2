"""Names shared by several processes."""

NAMESPACE = "paperworks"  # Ray namespace of all actors
APPLICATION = "paperworks"  # Ray Serve application
JOB_MANAGER = "job_manager"
EMBEDDED_STORES = "embedded_stores"
EMBEDDER = "embedder"
RERANKER = "reranker"
METRICS_FOLDER = "metrics"  # in the home: the metrics of the API processes and of the JobManager
