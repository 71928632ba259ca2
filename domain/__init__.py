"""The words everybody uses: jobs, documents, chunks, errors. Imports nothing of ours."""
