"""What the look of a page tells: figures, the layout model's regions, and where that pays."""
