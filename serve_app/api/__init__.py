"""HTTP routes, one module per resource: parse the request, call the use case, serialize."""
