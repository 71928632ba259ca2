"""Pages that are pictures -> lines of text, by whichever OCR program is installed."""
