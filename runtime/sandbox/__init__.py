"""Work on a hostile file in a process of its own, within limits: it can hurt nobody but itself."""
