"""What is done to a paper: accept, read, chunk, embed, index; plain functions first, then one Ray Data plan."""
