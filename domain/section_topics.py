"""The topic of a section by the words of its headings: introduction, methods, results and others.

A passage has the topics of its section and of those above: "3 Methods > 3.2 Data" is about methods.
"Results and discussion" has two topics.
"""

from __future__ import annotations

import re
from enum import StrEnum

from domain.text_folding import fold


class SectionTopic(StrEnum):
    ABSTRACT = "abstract"
    INTRODUCTION = "introduction"
    RELATED_WORK = "related_work"
    METHODS = "methods"
    RESULTS = "results"
    DISCUSSION = "discussion"
    CONCLUSION = "conclusion"
    APPENDIX = "appendix"


_WORDS = {
    SectionTopic.ABSTRACT: r"abstract|resumen|zusammenfassung|kurzfassung",
    SectionTopic.INTRODUCTION: r"introduction|introduccion|introducao|einleitung|background|"
    r"motivation|preliminaries",
    SectionTopic.RELATED_WORK: r"(?:related|previous|prior|earlier) (?:works?|research|studies)|"
    r"literature(?: (?:review|survey))?|state of the art|etat de l.art|estado del arte",
    SectionTopic.METHODS: r"methods?|methodolog(?:y|ies)|methode[ns]?|methodik|metodos?|"
    r"metodologia|materials|experimental (?:section|setup|set-up|design|procedures?|details)|"
    r"study design|procedures?|(?:proposed|our) (?:approach|model|algorithm)|approach|"
    r"implementation(?: details)?|participants|(?:statistical|data) analysis|data collection",
    SectionTopic.RESULTS: r"results?|resultats?|resultados?|ergebnisse|findings|experiments?|"
    r"evaluation|observations",
    SectionTopic.DISCUSSION: r"discussions?|discusion|discussao|diskussion|limitations?|"
    r"implications?|interpretation",
    SectionTopic.CONCLUSION: r"conclusions?|conclusiones|conclusao|concluding remarks|"
    r"schlussfolgerung(?:en)?|fazit|summary|outlook|future (?:work|directions)|perspectives",
    SectionTopic.APPENDIX: r"appendix|appendices|annex|supplement(?:ary|al)?(?: (?:material|"
    r"information|methods?|data))?|supporting information|anhang|anexo|annexe",
}
_PATTERNS = {topic: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for topic, words in _WORDS.items()}


def topics_of(path: str | None) -> frozenset[SectionTopic]:
    """Returns the topics of a path of headings; empty without a heading that states one."""
    headings = fold(path or "")
    return frozenset(topic for topic, words in _PATTERNS.items() if words.search(headings))
