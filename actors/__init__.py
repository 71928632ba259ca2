"""Who lives long: JobManager, runners, embedders, the embedded stores."""
