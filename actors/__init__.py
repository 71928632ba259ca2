"""Who lives long and remembers how to go on: JobManager, runners, embedders, the embedded stores."""
