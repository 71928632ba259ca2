"""The embedding model: texts or token ids in, unit vectors out, on OpenVINO or on torch."""
