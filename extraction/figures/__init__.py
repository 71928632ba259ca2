"""Figure extraction, and the layout model with the selection of the pages it runs on."""
