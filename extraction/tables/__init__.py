"""Tables: where they stand on a page, and what their cells say."""
