"""Layouts with formulas, narrow columns, long headings, wide tables and many figures."""

from __future__ import annotations

from domain.papers import Cell
from tests.quality.layouts_common import MODELS, YIELDS, references, start
from tests.quality.objects import (
    FigureForm,
    TableForm,
    draw_picture,
    figure,
    table,
    table_over_pages,
)
from tests.quality.style import A4, LETTER, SANS, Heading, Style
from tests.quality.typeset import Typesetter


def mathematics() -> Typesetter:
    """Letter, one column, theorems, many displayed formulas, an appendix, labels as [Oka19]."""
    setter = start("mathematics", Style(LETTER, 110, 110, 90, 84, numbering="1", footers="{page}"))
    people = setter.prose.people(2)
    setter.title("On the Growth of Sparse Random Products", 16)
    setter.authors(people, [" ".join(name) for name in people])
    setter.block("June 2019", align="centre", after=12)
    setter.year = 2019
    setter.block("Abstract", 10, "bold", "centre", after=3)
    setter.abstract(setter.prose.paragraph(4))
    setter.section("Introduction")
    setter.paragraphs_of(2)
    setter.equation("Σ_{k=1}^{n} a_{k} ≤ C (n log n)^{1/2}", "(1)")
    setter.paragraphs_of(2)
    setter.section("Preliminaries")
    setter.paragraph(
        "Let α and β be real numbers with α < β and let F denote the family of all bounded maps."
    )
    for number, kind in enumerate(("Definition", "Lemma", "Theorem", "Corollary"), 1):
        setter.gap(4)
        setter.block(setter.prose.paragraph(2), face="italic", lead=f"{kind} 2.{number}.", after=3)
        setter.equation(
            f"|f_{{{number}}}|^{{2}} = ∫ |φ(x)|^{{2}} dx + λ_{{{number}}} ∑ b_{{j}}",
            f"({number + 1})",
        )
        setter.block(f"{setter.prose.paragraph(2)} □", lead="Proof.", lead_face="italic", after=4)
    setter.section("Main Result")
    setter.section("Upper bound", 2)
    setter.paragraphs_of(2)
    setter.equation("limsup_{n→∞} S_{n} / (2n log log n)^{1/2} = 1", "(6)")
    setter.section("Lower bound", 2)
    setter.paragraphs_of(2)
    setter.section("Open Questions")
    setter.paragraphs_of(2)
    references(setter, 9, "plain", "alpha", hang=36)
    setter.section("Proof of the Tail Estimate", number="A")
    setter.paragraphs_of(2)
    setter.section("A maximal inequality", 2, number="A.1")
    setter.paragraph()
    setter.equation("P(max_{k≤n} |S_{k}| > t) ≤ 4 exp(−t^{2}/2n)", "(7)")
    setter.paragraph()
    return setter


def three_columns() -> Typesetter:
    """Letter, three narrow columns, sans headings, a short communication."""
    setter = start(
        "three columns",
        Style(
            LETTER, 40, 40, 66, 60, columns=3, gutter=14, size=8.6, hyphens=True, indent=9,
            faces=SANS | {"roman": "tiro", "italic": "tiit"}, caption_size=7.6,
            headings=(Heading(9.5, before=9),), headers=("REPORTS\t\t ", " \t\tREPORTS"),
            footers="{page} | 7 MAY 2010 | VOL 328 | NORTHERN SCIENCE",
        ),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.year = 2010
    with setter.wide():
        setter.title("Old Forests Lose Less Water", 24, "left")
        (a, b, c) = (" ".join(name) for name in people)
        setter.authors(
            people, [f"{a},^{{1}}* {b},^{{2}} {c}^{{1}}"], align="left", face="bold", size=10
        )
        setter.gap(8)
        setter.abstract(setter.prose.paragraph(4), 9.5, face="bold")
        setter.gap(6)
    setter.footnote(
        "^{1}Institute of Forests, Umeå, Sweden. ^{2}School of Earth, Leeds, UK. *To whom "
        "correspondence should be addressed. E-mail: a@forest.example"
    )
    setter.paragraphs_of(7)
    figure(
        setter, "Fig. 1.", "Water lost by old (red) and young (blue) forests.", FigureForm("chart")
    )
    setter.paragraphs_of(6)
    rows = (
        ("Forest", "Age", "Loss"),
        ("Tyresta", "310", "0.41"),
        ("Muddus", "245", "0.47"),
        ("Hamra", "38", "0.93"),
    )
    table(setter, "Table 1.", "Forests by age.", rows, TableForm("booktabs", size=7))
    setter.paragraphs_of(6)
    setter.section("Materials and Methods")
    setter.paragraphs_of(3)
    references(setter, 14, "nature", "{}.", "References and Notes", hang=10)
    return setter


def long_headings() -> Typesetter:
    """A4, one column, a title and headings of several lines, three levels, fourteen authors."""
    setter = start(
        "long headings",
        Style(A4, 70, 70, 76, 72, numbering="1.",
              headings=(Heading(13), Heading(11.5), Heading(10.5, "italic")),
              footers="Technical Notes of the Water Board\t\tPage {page}"),
    )  # fmt: skip
    people = setter.prose.people(14)
    setter.title(
        "Towards a Reproducible Comparison of Hydrological Models for Ungauged Catchments: Data, "
        "Methods, Uncertainties and Recommendations from a Decade of Joint Experiments",
        18,
    )
    setter.authors(people, [", ".join(" ".join(name) for name in people)])
    setter.gap(10)
    setter.block("Summary", 11, "bold", "left", after=3)
    setter.abstract(setter.prose.paragraph(5), 10)
    setter.section("Introduction")
    setter.paragraphs_of(2)
    setter.section(
        "Comparison of the models under the conditions of the first experiment, with a "
        "discussion of the choices that were made before the second one"
    )
    setter.paragraph()
    setter.section(
        "Selection of catchments with at least ten years of observations of flow, snow and "
        "temperature",
        2,
    )
    setter.paragraph()
    setter.section(
        "Gauges that were moved or replaced during the period of observation and the corrections "
        "applied to them",
        3,
    )
    setter.paragraphs_of(2)
    setter.section("Missing days", 3)
    setter.paragraph()
    setter.section("Calibration", 2)
    setter.paragraphs_of(2)
    setter.section("What can be learned for catchments without any gauge?")
    setter.paragraphs_of(2)
    table(
        setter, "Table 1.", "Scores of the models over all catchments.", MODELS, TableForm("none")
    )
    setter.paragraphs_of(2)
    setter.section("Recommendations")
    setter.paragraphs_of(2)
    setter.section("Acknowledgments", number="")
    setter.paragraph(sentences=2)
    references(setter, 11, "apa")
    return setter


REPORT_HEADS = ("Introduction", "Dams and Floods", "Inspection", "Findings", "Recommendations")

TREES = (
    *("Alder", "Birch", "Cedar", "Dogwood", "Elder", "Fir", "Gorse"),
    *("Hazel", "Ivy", "Juniper", "Larch", "Maple"),
)


def technical_report() -> Typesetter:
    """Letter, a cover, a table of contents with leaders, a ruled table over two pages."""
    setter = start(
        "technical report",
        Style(
            LETTER, 80, 80, 80, 76, size=10.5, numbering="1", justify=False, indent=0,
            paragraph_gap=6, faces=SANS, headings=(Heading(14, before=18), Heading(11.5)),
            headers="Report WB-2013-07\t\t ", footers="{page}",
            first_header=" ", first_footer=" ",
        ),
    )  # fmt: skip
    _cover(setter)
    setter.new_page()
    setter.block("Abstract", 14, "bold", "left", after=6)
    setter.abstract(setter.prose.paragraph(6), 10.5)
    setter.new_page()
    _contents(setter)
    setter.new_page()
    for head in REPORT_HEADS[:3]:
        setter.section(head)
        setter.paragraphs_of(3)
    setter.section(REPORT_HEADS[3])
    setter.paragraph()
    setter.new_page()
    rows = [
        (f"Dam {tree}", str(1921 + 7 * n), f"{8 + 1.5 * n:.1f}", f"0.{n:02}", "ABC"[n % 3])
        for n, tree in enumerate(TREES)
    ]
    table_over_pages(
        setter,
        "Table 1.",
        "Inspected dams with their class.",
        ("Dam", "Year", "Height (m)", "Seepage", "Class"),
        (rows[:7], rows[7:]),
        TableForm("grid", size=9),
    )
    setter.paragraphs_of(2)
    caption = "The downstream face of Dam Hazel in March."
    figure(setter, "Figure 1.", caption, FigureForm("image", height=150))
    setter.section(REPORT_HEADS[4])
    setter.paragraphs_of(3)
    references(setter, 7, "apa", heading="References", hang=20)
    return setter


def _cover(setter: Typesetter) -> None:
    people = setter.prose.people(2)
    setter.year = 2013
    setter.gap(150)
    setter.block("Water Board of the Northern Province", 12, "roman", "centre", after=4)
    setter.block("Technical Report WB-2013-07", 12, "roman", "centre", after=50)
    setter.title("Inspection of Earth Dams after the Winter Floods", 22)
    setter.gap(30)
    setter.authors(people, [" ".join(name) for name in people], size=13)
    setter.gap(60)
    setter.block("October 2013", 12, align="centre")


def _contents(setter: Typesetter) -> None:
    setter.block("Contents", 14, "bold", "left", after=6)
    for number, head in enumerate(REPORT_HEADS, 1):
        shown = f"{number} {head} "
        dots = "." * int((setter.measure - 20 - setter.length(shown, 10.5, "roman")) / 2.93)
        setter.block(f"{shown}{dots} {number + 3}", 10.5, align="left", after=3)


def wide_tables() -> Typesetter:
    """A4, two columns, tables across both with spanning headers, row spans, shaded and unruled."""
    setter = start(
        "wide tables",
        Style(A4, 50, 50, 74, 66, columns=2, gutter=18, size=9.2, hyphens=True, numbering="1",
              headers=("Soils of the Coast\t\t ", " \t\tCoastal Studies"), footers="{page}"),
    )  # fmt: skip
    people = setter.prose.people(2)
    with setter.wide():
        setter.title("Soils of the Coast: Sampling Design and Chemical Composition", 16)
        setter.authors(people, [" and ".join(" ".join(name) for name in people)])
        setter.gap(10)
        setter.block("Abstract", 10, "bold", "left", after=2)
        setter.abstract(setter.prose.paragraph(5), 9)
    setter.section("Introduction")
    setter.paragraphs_of(3)
    layers = [Cell(f"{name} layer", colspan=3, header=True) for name in ("Upper", "Lower")]
    sites = enumerate(("Dunes", "Marsh", "Polder", "Cliff", "Delta"), 4)
    spanning = (
        (Cell("Site", rowspan=2, header=True), *layers),
        ("pH", "Clay", "Carbon") * 2,
        *((site, *(f"{base + step}.{step}" for step in range(1, 7))) for base, site in sites),
    )
    table(
        setter,
        "Table 1.",
        "Composition of both layers by site (means of six samples).",
        spanning,
        TableForm("booktabs", header_rows=2),
        notes="Clay and carbon in percent.",
        across=True,
    )
    setter.section("Design")
    setter.paragraphs_of(4)
    grouped = (
        ("Region", "Site", "Samples", "Depth"),
        (Cell("North", rowspan=2), "Dunes", "24", "0.9"),
        ("Marsh", "18", "1.4"),
        (Cell("South", rowspan=3), "Polder", "30", "1.1"),
        ("Cliff", "12", "0.6"),
        ("Delta", "36", "2.2"),
    )
    table(setter, "Table 2.", "Samples by region and site.", grouped, TableForm("grid"))
    setter.section("Chemical Analysis")
    setter.paragraphs_of(4)
    table(setter, "Table 3.", "Detection limits.", YIELDS, TableForm("shaded", at="below"))
    setter.paragraphs_of(2)
    table(setter, "Table 4.", "Agreement of both laboratories.", MODELS, TableForm("none"))
    setter.section("Discussion")
    setter.paragraphs_of(5)
    references(setter, 12, "harvard")
    return setter


def figure_pages() -> Typesetter:
    """Letter, one column, captions above, two figures side by side, lines drawn out of order."""
    setter = start(
        "figure pages",
        Style(LETTER, 76, 76, 76, 70, size=10.2, numbering="1", shuffled=True, faces=SANS,
              headings=(Heading(12.5), Heading(11)), headers=" \t\tLight Traps  {page}"),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.title("Light Traps and the Flight of Moths", 18, "left")
    setter.authors(people, ["; ".join(" ".join(name) for name in people)], align="left")
    setter.gap(10)
    setter.abstract(setter.prose.paragraph(5), 9.5, "ABSTRACT:")
    setter.section("Introduction")
    setter.paragraphs_of(3)
    form = FigureForm("chart", at="above", height=130)
    figure(setter, "Figure 1.", "Moths caught per hour in two nights.", form)
    setter.section("Traps")
    setter.paragraphs_of(2)
    setter.need(200)
    setter.gap(10)
    captions = ("A trap beside the pond.", "A trap at the edge of the wood.")
    half = setter.measure / 2
    for place, caption in enumerate(captions):
        x = setter.x + place * half
        draw_picture(setter, "image", x, x + half, 110)
        setter.put(x + 10, setter.y + 124, f"Figure {place + 2}.", 8.5, "bold")
        setter.put(x + 54, setter.y + 124, caption, 8.5)
        setter.figures.append(caption)
    setter.gap(140)
    setter.section("Results")
    setter.paragraphs_of(3)
    figure(setter, "Figure 4.", "From the lamp to the count.", FigureForm("diagram", at="above"))
    setter.paragraphs_of(2)
    setter.section("Conclusion")
    setter.paragraphs_of(2)
    references(setter, 10, "vancouver", "({})")
    return setter
