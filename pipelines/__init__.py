"""The processing of papers: functions that extract, chunk, embed and index, and a Ray Data plan."""
