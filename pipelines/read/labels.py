"""The words by which papers name their parts."""

from __future__ import annotations

import re

NUMBERED = re.compile(
    r"(?P<number>(?:\d{1,2}(?:\.\d{1,2}){0,4}|[A-Z]\.\d{1,2}(?:\.\d{1,2})*|[IVX]{1,5}(?=\.)|[A-H](?=[.)]\s))[.)]?)\s+(?P<title>\S.*)",
    re.DOTALL,
)

KNOWN = re.compile(
    r"(?:abstract|summary|(?:general )?introduction|background|(?:literature |related )?(?:review|works?)|"
    r"(?:materials?,? (?:and|&) methods?|methods?(?: and materials?)?|methodology|patients and methods|experimental(?: section| procedures)?)|"
    r"results?(?: (?:and|&) discussions?)?|discussions?(?: (?:and|&) conclusions?)?|conclusions?(?: and .{4,40})?|concluding remarks|"
    r"statement of need|limitations?|future (?:work|directions?)|acknowledge?ments?|references|bibliography|literature cited|works cited|"
    r"funding|competing interests?|conflicts? of interests?|declarations?|authors?[’']? contributions?|abbreviations|"
    r"appendix(?: [A-Z])?|appendices|supplementary (?:materials?|information|data)|(?:additional|supporting) (?:files?|information)|"
    r"data availability(?: statement)?|availability of data and materials?|ethics statement|keywords?)\s*[.:]?",
    re.IGNORECASE,
)

REFERENCES = re.compile(
    r"(?:references?(?: and notes| cited)?|bibliography|literature(?: cited)?|works cited|literature references|reference list)\s*[.:]?",
    re.IGNORECASE,
)

ABSTRACT_PARTS = re.compile(
    r"(?:background|introduction|context|rationale|objectives?|aims?|purpose|hypothesis|design|setting|participants|"
    r"(?:materials?,? (?:and|&) )?methods?|methodology|methods?/principal findings|(?:principal |main )?findings|"
    r"results?|conclusions?|conclusions?/significance|significance|discussion|interpretation|implications|limitations|"
    r"funding|trial registration|measurements|interventions?|main outcome measures?|importance|practical relevance)"
    r"(?: (?:and|&) [a-z ]{4,30})?\s*[.:]?",
    re.IGNORECASE,
)

CAPTION = re.compile(
    r"(?:supplementary |supplemental |extended data |online )?"
    r"(?:fig(?:ure)?s?\.?|tab(?:le|\.)|scheme|chart|box|algorithm|listing|plate|video|movie)\s*"
    r"(?:[A-Z]?\.?\d+[A-Za-z]?|[IVX]+)\b(?!\s*(?:and|,|to|through|shows?|presents?|illustrates?|lists?|gives?|is|are|summari))",
    re.IGNORECASE,
)

ARTICLE_KIND = re.compile(
    r"(?:original|research|review|full|regular|short|invited|mini|clinical|technical|brief|case|open|data|methods?|software)?[ -]*"
    r"(?:articles?|papers?|reviews?|reports?|communications?|letters?|notes?|editorial|access|research|study|investigation|"
    r"contribution|protocol|commentary|perspectives?|correspondence|opinion|abstract|resource|tools?)"
    r"(?: articles?| papers?| open access)?[\s:|]*",
    re.IGNORECASE,
)
