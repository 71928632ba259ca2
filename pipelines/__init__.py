"""What is done to a paper: functions that read, chunk, embed, index, then one Ray Data plan."""
