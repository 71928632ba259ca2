"""The real encoders: a sentence-transformers model, run by OpenVINO or by torch."""
