"""Table extraction: finds the tables of a page and reads their cells."""
