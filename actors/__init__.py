"""Long-lived Ray actors: JobManager, runners, embedders and the embedded stores."""
