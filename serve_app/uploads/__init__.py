"""Uploads: parse the request, store the files, admit them as jobs."""
