"""Domain model: jobs, documents, papers and errors. Imports no other package of the project."""
