"""The PDF that every runner processes as a warm-up. It is stored as a blob but is not a paper."""

from __future__ import annotations

import hashlib

WARM_UP_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
    b"/Resources<</Font<</F 5 0 R>>>>>>endobj\n4 0 obj<</Length 60>>stream\n"
    b"BT /F 12 Tf 20 150 Td (A page to warm the service up.) Tj ET   \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
WARM_UP_SHA256 = hashlib.sha256(WARM_UP_PDF).hexdigest()
