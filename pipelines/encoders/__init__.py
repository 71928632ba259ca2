"""Encoders: a sentence-transformers model on OpenVINO or on torch."""
