"""PDF in, `Paper` out: the library that reads papers. It depends on `domain` alone."""
