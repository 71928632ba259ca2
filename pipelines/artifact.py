"""What was read from a paper, as compressed JSON; a new embedding model starts from it."""

from __future__ import annotations

import gzip

from pydantic import TypeAdapter

from domain.papers import Paper

PAPER = TypeAdapter(Paper)


def dump_paper(paper: Paper) -> bytes:
    """The paper as gzipped JSON, equal bytes for an equal paper."""
    return gzip.compress(PAPER.dump_json(paper), compresslevel=5, mtime=0)


def load_paper(data: bytes) -> Paper:
    """The paper that `dump_paper` wrote. Raises ValueError for anything else."""
    return PAPER.validate_json(gzip.decompress(data))
