"""The role of a section by its heading: abstract, references, acknowledgements, appendix, back
matter or body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.papers import Section, SectionRole
from extraction.text.labels import REFERENCES
from extraction.vocabulary.front_matter import ABSTRACT_HEADING
from extraction.vocabulary.section_names import SectionName, section_name

_ACKNOWLEDGEMENTS = re.compile(r"acknowledge?ments?(?: and .{3,40})?", re.IGNORECASE)
_APPENDIX = re.compile(
    r"(?:appendix|appendices|annex(?:e|ure)?|supplement(?:ary|al)? (?:appendix|methods?))"
    r"(?:\W+.*|\s+[A-Z\d].*)?",
    re.IGNORECASE | re.DOTALL,
)
_BACK_MATTER = re.compile(
    r"(?:sources? of )?(?:(?:financial|grant) )?(?:funding|support)(?: (?:information|sources?|"
    r"statement|acknowledge?ments?))?|financial (?:support and sponsorship|disclosures?)|"
    r"(?:(?:declarations?|statement) of )?(?:potential )?(?:competing|conflict(?:s|ing)?(?: of)?) "
    r"(?:financial )?interests?(?: statement| declaration| disclosure)?|"
    r"conflicts? of interests?/.{5,40}|"
    r"declarations?|disclosures?(?: statement)?|disclaimer|"
    r"(?:credit )?(?:authors?[’']?s?[’']? )?(?:contributions?|contribution statement|roles|"
    r"contributorship)(?: statement)?|credit authorship contribution statement|"
    r"abbreviations(?: used)?|list of abbreviations|nomenclature|glossary|"
    r"(?:research |study )?(?:data|code|software|materials?)(?: and (?:code|materials?|software|"
    r"data))? (?:availability|accessibility|sharing)(?: statement)?|"
    r"availability of (?:supporting )?(?:data|code|materials?)(?: and (?:data|code|materials?))?|"
    r"accession (?:numbers?|codes?)|"
    r"(?:research )?ethic(?:s|al)(?: (?:approval|statement|declaration|considerations?))?"
    r"(?: and consent to participate| statement)?|"
    r"(?:patient |informed )?consent(?: (?:for publication|to participate|statement))?|"
    r"institutional review board(?: statement)?|human and animal rights(?: statement)?|"
    r"(?:electronic |online )?(?:supplementa(?:ry|l)|supporting|additional) "
    r"(?:materials?|information|data|files?)|"
    r"authors?[’']?s?[’']? (?:information|details|affiliations|note|biograph(?:y|ies))|"
    r"about the authors?|orcid(?: ids?)?|endnotes?|notes|provenance and peer review|peer review|"
    r"publication history|rights and permissions|how to cite(?: this article)?",
    re.IGNORECASE,
)
_AFTER_BODY = (
    SectionRole.REFERENCES,
    SectionRole.ACKNOWLEDGEMENTS,
    SectionRole.BACK_MATTER,
    SectionRole.APPENDIX,
)
_HEADINGS = (
    (SectionRole.REFERENCES, REFERENCES),
    (SectionRole.ABSTRACT, ABSTRACT_HEADING),
    (SectionRole.ACKNOWLEDGEMENTS, _ACKNOWLEDGEMENTS),
    (SectionRole.BACK_MATTER, _BACK_MATTER),
    (SectionRole.APPENDIX, _APPENDIX),
)
_ROLE_OF: Mapping[SectionName | None, SectionRole] = {
    SectionName.ABSTRACT: SectionRole.ABSTRACT,
    SectionName.REFERENCES: SectionRole.REFERENCES,
    SectionName.ACKNOWLEDGEMENTS: SectionRole.ACKNOWLEDGEMENTS,
    SectionName.APPENDIX: SectionRole.APPENDIX,
    SectionName.BACK_MATTER: SectionRole.BACK_MATTER,
}


def role_of(title: str) -> SectionRole:
    """Returns the role that the words of a heading (without its number) indicate, else BODY."""
    text = title.strip(" .:–—-")
    role = next((role for role, words in _HEADINGS if words.fullmatch(text)), None)
    return role or _ROLE_OF.get(section_name(text), SectionRole.BODY)


def with_roles(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Returns the sections with `role` set; a subsection has the role of its section.

    "Abstract" counts only before the body, and in another language behind the bibliography. A
    heading lettered "A" or "A.1" after the references begins an appendix.
    """
    result: list[Section] = []
    above: list[tuple[int, SectionRole]] = []
    for section in sections:
        role = role_of(section.title)
        roles = {before.role for before in result}
        is_inside = SectionRole.BODY in roles and SectionRole.REFERENCES not in roles
        if role is SectionRole.ABSTRACT and is_inside:
            role = SectionRole.BODY
        while above and above[-1][0] >= section.level:
            above.pop()
        if role is SectionRole.BODY and above and above[-1][1] is not SectionRole.REFERENCES:
            role = above[-1][1]
        is_lettered = re.fullmatch(r"[A-Z](?:\.\d+)*", section.number or "")
        if role is SectionRole.BODY and is_lettered and not roles.isdisjoint(_AFTER_BODY):
            role = SectionRole.APPENDIX
        above.append((section.level, role))
        result.append(replace(section, role=role))
    return tuple(result)
