"""The words everybody uses: jobs, tasks, documents, chunks, passages and errors. Imports nothing of ours."""
