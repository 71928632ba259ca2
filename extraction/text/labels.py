"""Patterns of the headings and labels that papers print."""

from __future__ import annotations

import re

from extraction.vocabulary.front_matter import ABSTRACT_OR_SUMMARY
from extraction.vocabulary.section_names import section_name

NUMBERED = re.compile(
    r"(?P<number>(?:\d{1,2}(?:\.\d{1,2}){0,4}|[A-Z]\.\d{1,2}(?:\.\d{1,2})*|[IVX]{1,5}(?=\.)|"
    r"[A-H](?=[.)]\s))[.)]?)(?:\s*\|)?\s+(?P<title>\S.*)",
    re.DOTALL,
)


def split_number(text: str) -> tuple[str, str]:
    """Returns the number of a heading, "" if it has none, and its words: "2.1. Aims" is split into
    "2.1" and "Aims"."""
    numbered = NUMBERED.fullmatch(text)
    return (numbered["number"].rstrip(".)"), numbered["title"]) if numbered else ("", text)


KNOWN_HEADING = re.compile(
    rf"(?:{ABSTRACT_OR_SUMMARY}|(?:general )?introduction|background|"
    r"(?:literature review|(?:related|"
    r"previous|prior) (?:works?|research|literature))|"
    r"(?:materials?,? (?:and|&) methods?|methods?(?: and materials?)?|methodology|"
    r"patients and methods|experimental(?: section| procedures)?)|"
    r"results?(?: (?:and|&) discussions?)?|discussions?(?: (?:and|&) conclusions?)?|"
    r"conclusions?(?: and .{4,40})?|concluding remarks|"
    r"statement of need|limitations?|future (?:work|directions?)|acknowledge?ments?|"
    r"references|bibliography|literature cited|works cited|"
    r"funding(?: (?:information|sources?|statement))?|(?:declarations? of )?(?:competing|"
    r"conflict(?:s|ing)?(?: of)?) (?:financial )?interests?(?: statement| declaration)?|"
    r"declarations?|disclosures?(?: statement)?|"
    r"(?:credit )?authors?[’']?s? contributions?(?: statement)?|"
    r"contributions?|abbreviations(?: used)?|nomenclature|"
    r"appendix(?: [A-Z])?|appendices|(?:electronic )?supplementa(?:ry|l) (?:materials?|"
    r"information|data)|"
    r"(?:additional|supporting) (?:files?|information)|"
    r"(?:data|code|software)(?: and (?:code|materials?|software))? availability(?: statement)?|"
    r"availability of (?:supporting )?data(?: and materials?)?|"
    r"(?:research )?ethics(?: approval)?(?: statement)?(?: and consent to participate)?|"
    r"(?:patient )?consent(?: for publication)?|informed consent(?: statement)?|"
    r"(?:institutional )?review board(?: statement)?|"
    r"authors?[’']? information|endnotes?)\s*[.:]?",
    re.IGNORECASE,
)


def is_known_heading(text: str) -> bool:
    """True for the name of a usual section, without its number, in any language."""
    return bool(KNOWN_HEADING.fullmatch(text)) or section_name(text) is not None


REFERENCES = re.compile(
    r"(?:references?(?: and notes| cited)?|bibliography|literature(?: cited)?|works cited|"
    r"literature references|reference list)\s*[.:]?",
    re.IGNORECASE,
)

ABSTRACT_PARTS = re.compile(
    r"(?:background|introduction|context|rationale|objectives?|aims?|purpose|hypothesis|"
    r"design|setting|participants|"
    r"(?:materials?,? (?:and|&) )?methods?|methodology|methods?/principal findings|"
    r"(?:principal |main )?findings|"
    r"results?|conclusions?|conclusions?/significance|significance|discussion|"
    r"interpretation|implications|limitations|"
    r"funding|trial registration|measurements|interventions?|main outcome measures?|"
    r"importance|practical relevance)"
    r"(?: (?:and|&) [a-z ]{4,30})?\s*[.:]?",
    re.IGNORECASE,
)

ARTICLE_KIND = re.compile(
    r"(?:original|research|review|full|regular|short|invited|mini|clinical|technical|brief|"
    r"case|open|data|methods?|software)?[ -]*"
    r"(?:articles?|papers?|reviews?|reports?|communications?|letters?|notes?|editorial|"
    r"access|research|study|investigation|"
    r"contribution|protocol|commentary|perspectives?|correspondence|opinion|abstract|"
    r"resource|tools?)"
    r"(?: articles?| papers?| open access)?[\s:|]*",
    re.IGNORECASE,
)
