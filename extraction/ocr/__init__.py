"""OCR: text lines of scanned pages, by one of the installed OCR engines."""
