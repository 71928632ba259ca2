"""Layouts of conference papers, a plain article and a manuscript."""

from __future__ import annotations

from tests.quality.layouts_common import MODELS, YIELDS, references, start
from tests.quality.objects import (
    FigureForm,
    TableForm,
    figure,
    table,
)
from tests.quality.style import A4, LETTER, LNCS, Heading, Style
from tests.quality.typeset import Typesetter


def plain_article() -> Typesetter:
    """Letter, one column, centred front, numbered headings, booktabs table, references [1]."""
    setter = start("plain article", Style(LETTER, 90, 90, numbering="1", footers="{page}"))
    people = setter.prose.people(3)
    setter.title("Nitrate in Shallow Lakes: a Survey of Five Sites")
    setter.authors(people, [", ".join(" ".join(name) for name in people)])
    setter.block("Institute of Inland Waters, Aarhus", align="centre", after=4)
    setter.block("12 March 2021", align="centre", after=14)
    setter.year = 2021
    setter.block("Abstract", 10, "bold", "centre", after=3)
    setter.abstract(setter.prose.paragraph(6))
    setter.section("Introduction")
    setter.paragraphs_of(3)
    setter.section("Study Sites")
    setter.section("Selection of lakes", 2)
    setter.paragraphs_of(2)
    figure(
        setter, "Figure 1:", "Nitrate over the hours after rain at two sites.", FigureForm("chart")
    )
    setter.section("Laboratory methods", 2)
    setter.paragraphs_of(3)
    setter.section("Results")
    setter.paragraph()
    table(setter, "Table 1:", "Nitrate by site and depth, in micromoles per litre.", YIELDS)
    setter.paragraphs_of(3)
    setter.section("Conclusion")
    setter.paragraphs_of(2)
    references(setter, 12, "plain", "[{}]")
    return setter


def engineering_conference() -> Typesetter:
    """Letter, two columns, Roman centred headings, run-in abstract, small-capital captions."""
    headings = (
        Heading(10, "roman", "centre", upper=True, before=12),
        Heading(10, "italic", before=8),
    )
    setter = start(
        "engineering",
        Style(
            LETTER, 54, 54, 60, 60, columns=2, gutter=16, size=9.5, hyphens=True,
            numbering="I", headings=headings, caption_size=8,
        ),
    )  # fmt: skip
    people = setter.prose.people(4)
    with setter.wide():
        setter.title("Low-Cost Sensors for the Monitoring of Drinking Water", 22, face="roman")
        setter.authors(people, [", ".join(" ".join(name) for name in people)])
        setter.block(
            "Department of Electrical Engineering, University of Dover", 9, "italic", "centre"
        )
        setter.block("{first, second}@ee.dover.example", 9, "mono", "centre", after=14)
    setter.abstract(setter.prose.paragraph(5), 9, "Abstract—", lead_face="bold", face="bold")
    setter.block("sensors, water quality, calibration", 9, "bold", lead="Index Terms—", after=6)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Related Work")
    setter.paragraphs_of(3)
    setter.section("Sensor Design")
    setter.section("Hardware", 2)
    setter.paragraphs_of(2)
    setter.equation("s(t) = a + b exp(−t/τ)", "(1)")
    setter.section("Calibration", 2)
    setter.paragraphs_of(3)
    caption = "SENSITIVITY OF THE TESTED MODELS"
    table(setter, "TABLE I", caption, MODELS, TableForm(label_face="roman", caption_align="centre"))
    figure(
        setter,
        "Fig. 1.",
        "Processing chain of the sensor node.",
        FigureForm("diagram", label_face="roman"),
    )
    setter.section("Experiments")
    setter.paragraphs_of(6)
    setter.section("Conclusion")
    setter.paragraphs_of(2)
    references(setter, 15, "ieee", "[{}]")
    return setter


def computing_proceedings() -> Typesetter:
    """A4, two columns, author blocks side by side, upper-case headings, rights footnote, DOI."""
    headings = (Heading(11, "bold", upper=True), Heading(10.5, "bold"), Heading(10, "italic"))
    setter = start(
        "computing",
        Style(
            A4, 54, 54, 70, 76, columns=2, gutter=24, size=9, hyphens=True, numbering="1",
            headings=headings,
            headers=("Learning to Rank Passages\t\t ", "SEARCH ’22, July 2022, Bergen\t\t "),
        ),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.doi, setter.year = "10.5555/3490000.3490017", 2022
    with setter.wide():
        setter.title("Learning to Rank Passages from Very Few Judgements", 18)
        setter.families = [family for _, family in people]
        middle = setter.style.left + setter.measure / 6
        places = ("University of Bergen", "Institute of Data, Aarhus", "Search Laboratory, Dover")
        for place, (name, institute) in enumerate(zip(people, places, strict=True)):
            x = middle + place * setter.measure / 3
            setter.centred(x, setter.y + 14, " ".join(name), 12)
            setter.centred(x, setter.y + 27, institute, 9)
            setter.centred(x, setter.y + 39, f"{name[0].lower()}@search.example", 9)
        setter.gap(56)
    setter.block("ABSTRACT", 11, "bold", after=4)
    setter.footnote(
        "Permission to make digital or hard copies of all or part of this work for personal use is "
        "granted without fee. SEARCH ’22, July 11–15, 2022, Bergen, Norway. © 2022 Copyright held "
        "by the owner/author(s). https://doi.org/10.5555/3490000.3490017"
    )
    setter.abstract(setter.prose.paragraph(6), 9)
    setter.block("CCS CONCEPTS", 11, "bold", after=4)
    setter.block("• Information systems → Learning to rank.", after=6)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Method")
    setter.paragraphs_of(2)
    setter.section("Sampling of judgements", 2)
    setter.paragraphs_of(2)
    table(
        setter,
        "Table 1:",
        "Effectiveness on the held-out queries.",
        MODELS,
        TableForm(caption_align="centre"),
    )
    setter.section("Loss function", 2)
    setter.paragraphs_of(2)
    figure(setter, "Figure 1:", "Loss over the training hours for two seeds.", FigureForm("chart"))
    setter.section("Evaluation")
    setter.paragraphs_of(5)
    setter.section("Conclusion and Future Work")
    setter.paragraphs_of(2)
    references(setter, 18, "acm", "[{}]", "REFERENCES")
    return setter


def lecture_notes() -> Typesetter:
    """Small page, one column, marks at the authors, run-in abstract, references 1., even heads."""
    setter = start(
        "lecture notes",
        Style(
            LNCS, 44, 44, 64, 50, numbering="1", hyphens=True, caption_size=9,
            headings=(Heading(12), Heading(10), Heading(10, "bold", run_in=".")),
            headers=("Alignment of Parish Registers\t\t{page}", "{page}\t\tRecords and Archives"),
            first_header=" ",
        ),
    )  # fmt: skip
    people = setter.prose.people(3)
    setter.title("Alignment of Parish Registers with Weak Supervision", 14)
    (a, b, c) = (" ".join(name) for name in people)
    setter.authors(people, [f"{a}^{{1}}, {b}^{{2}}, and {c}^{{1,2}}"], size=10)
    for text in (
        "^{1} Department of History, University of Évora, Évora, Portugal",
        "^{2} Archive of the Northern Province, Bodø, Norway",
    ):
        setter.block(text, 9, align="centre")
    setter.block("first.author@history.example", 9, "mono", "centre", after=14)
    setter.abstract(setter.prose.paragraph(5), 9, "Abstract.")
    setter.block("Record linkage · Archives · Weak supervision", 9, lead="Keywords:", after=4)
    setter.section("Introduction")
    setter.paragraphs_of(4, 4)
    setter.section("Data")
    setter.paragraphs_of(3, 4)
    table(
        setter,
        "Table 1.",
        "Registers and the share of aligned entries.",
        MODELS,
        TableForm(caption_align="centre"),
    )
    setter.section("Alignment")
    setter.section("Candidate pairs", 2)
    setter.paragraphs_of(3, 4)
    setter.section("Scoring", 2)
    setter.paragraphs_of(2, 4)
    figure(
        setter,
        "Fig. 1.",
        "The three stages of the alignment.",
        FigureForm("diagram", caption_align="centre"),
    )
    setter.section("Results")
    setter.paragraphs_of(4, 4)
    setter.section("Conclusion")
    setter.paragraphs_of(2, 4)
    references(setter, 14, "lncs", "{}.")
    return setter


def line_numbered_manuscript() -> Typesetter:
    """Letter, double spacing, numbered lines, tables and figure legends at the end."""
    setter = start(
        "manuscript",
        Style(
            LETTER, 86, 72, 76, 72, size=11.5, leading=1.9, justify=False, line_numbers=True,
            headings=(Heading(12, before=10), Heading(11.5, "italic")),
            headers="Running head: GRAZING AND SEEDLINGS\t\t{page}", indent=30,
        ),
    )  # fmt: skip
    people = setter.prose.people(2)
    setter.title("Grazing pressure and the survival of oak seedlings", 14)
    setter.authors(people, [" and ".join(" ".join(name) for name in people)], size=11.5)
    setter.block("Department of Forestry, University of Cork", 11.5, align="centre")
    setter.new_page()
    setter.block("Abstract", 12, "bold", "left", after=2)
    setter.abstract(setter.prose.paragraph(6), 11.5)
    setter.section("Introduction")
    setter.paragraphs_of(4)
    setter.section("Methods")
    setter.section("Exclosures", 2)
    setter.paragraphs_of(2)
    setter.section("Seedling counts", 2)
    setter.paragraphs_of(2)
    setter.section("Results")
    setter.paragraphs_of(2)
    setter.section("Discussion")
    setter.paragraphs_of(3)
    references(setter, 10, "apa", heading="Literature Cited", hang=30)
    setter.new_page()
    table(
        setter,
        "Table 1.",
        "Seedlings that survived by site.",
        YIELDS,
        TableForm("booktabs", size=10),
    )
    setter.new_page()
    figure(
        setter,
        "Figure 1.",
        "Survival of seedlings in two exclosures.",
        FigureForm("chart", height=200),
    )
    return setter
