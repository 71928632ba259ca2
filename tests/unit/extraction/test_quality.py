"""The quality report: plain values, and reasons for a review that name the pages."""

from __future__ import annotations

import json
from dataclasses import replace

from domain.papers import (
    Author,
    Box,
    Cell,
    Evidence,
    Metadata,
    PageLoss,
    Paper,
    Quality,
    Table,
    TableSource,
)
from extraction.quality import quality_report, review_reasons

GOOD = Metadata(
    title="On Leaves",
    authors=(Author("Ada Lovelace", "Ada", "Lovelace"),),
    evidence={"title": Evidence("type", 0.854), "authors": Evidence("below title", 0.8)},
)


def paper(metadata: Metadata = GOOD, quality: Quality | None = None, *tables: Table) -> Paper:
    quality = quality or Quality(3)
    return Paper("On Leaves", (), (), metadata=metadata, quality=quality, tables=tables)


def table(source: TableSource) -> Table:
    return Table(1, "Table 1", None, (Box(1, 0, 0, 9, 9),), ((Cell("7"),),), source)


def test_quality_report_needs_no_review_for_good_paper() -> None:
    report = quality_report(paper())
    assert report["reasons"] == []
    assert report["pages_read"] == 3
    assert report["confidence"]["title"] == {"source": "type", "confidence": 0.85}


def test_quality_report_is_json_serializable() -> None:
    quality = Quality(9, (2, 3), (4,), (5,), 0.12345, 2, True, (1,))
    report = quality_report(
        paper(
            GOOD,
            quality,
            table(TableSource.RULED),
            table(TableSource.RULED),
            table(TableSource.OCR),
        )
    )
    assert json.loads(json.dumps(report)) == report
    assert report["tables"] == {"ruled": 2, "ocr": 1}
    assert report["garbled_share"] == 0.1235
    assert (report["pages_ocred"], report["pages_failed"]) == ([2, 3], [4])
    assert (report["pages_without_text"], report["layout_pages"]) == ([5], [1])
    assert report["columns"] == 2


def test_quality_report_names_missing_pages() -> None:
    assert review_reasons(paper(quality=Quality(1, pages_failed=(2,)))) == [
        "page 2 could not be read"
    ]
    assert review_reasons(paper(quality=Quality(1, pages_without_text=(2, 7)))) == [
        "pages 2, 7 hold no text that could be read"
    ]
    [reason] = review_reasons(paper(quality=Quality(pages_failed=tuple(range(1, 100)))))
    assert "20, …" in reason and "21" not in reason


def test_quality_report_tolerates_few_garbled_characters() -> None:
    assert review_reasons(paper(quality=Quality(garbled_share=0.25))) == [
        "25% of the text layer is garbled"
    ]
    assert review_reasons(paper(quality=Quality(garbled_share=0.02))) == []


def test_quality_report_does_not_flag_ocr_alone() -> None:
    assert review_reasons(paper(quality=Quality(3, pages_ocred=(1, 2, 3)))) == []


def test_quality_report_flags_missing_or_uncertain_title_and_authors() -> None:
    assert review_reasons(paper(replace(GOOD, title=None, authors=()))) == [
        "no title found",
        "no authors found",
    ]
    unsure = replace(GOOD, evidence={"title": Evidence("file", 0.3)})
    assert review_reasons(paper(unsure)) == ["the title is unsure (file)"]


def test_quality_report_flags_year_of_the_file() -> None:
    dated = replace(GOOD, year=2014, evidence={"year": Evidence("file creation", 0.3)})
    assert review_reasons(paper(dated)) == ["the year is unsure (file creation)"]
    printed = replace(GOOD, year=2014, evidence={"year": Evidence("volume line", 0.88)})
    assert review_reasons(paper(printed)) == []


def test_quality_report_ignores_optional_metadata() -> None:
    assert GOOD.doi is None and GOOD.abstract is None and GOOD.year is None
    assert review_reasons(paper(GOOD)) == []


def test_quality_report_names_the_pages_of_each_loss() -> None:
    quality = Quality(
        3,
        pages_incomplete=(3,),
        unread_characters=(PageLoss(2, 13), PageLoss(5, 1)),
        hidden_words=(PageLoss(1, 2), PageLoss(4, 7)),
        pages_unchecked=(7,),
        annotations=(PageLoss(2, 1), PageLoss(3, 2)),
    )
    report = quality_report(paper(quality=quality))
    assert json.loads(json.dumps(report)) == report
    assert report["pages_incomplete"] == [3]
    assert report["unread_characters"] == [{"page": 2, "count": 13}, {"page": 5, "count": 1}]
    assert report["hidden_words"][0] == {"page": 1, "count": 2}
    assert report["reasons"] == [
        "page 3 could not be read completely",
        "page 7 took too long to look for text that is missing",
        "pages 2, 5: 14 characters could not be read",
        "page 4: 7 words left out because the page does not show them",
    ]
    assert report["notes"] == [
        "page 1: 2 words not shown by the page",
        "pages 2, 3: 3 annotations of readers",
    ]
