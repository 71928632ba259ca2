"""The words by which addresses, dates and the small print of a front page are told from names."""

from __future__ import annotations

import re

ADDRESS = re.compile(
    r"\b(?:univ(?:ersi|\.)\w*|uniwersytet\w*|institut\w*|istituto|inst\.|depart\w+|dipartimento|"
    r"d[ée]partement|dept|dpto|school|escuela|escola|[ée]cole|college|colegio|facult\w*|facultad|"
    r"faculdade|fakult\w*|hospita\w*|h[ôo]pital\w*|hospices|ospedale|krankenhaus|klinik\w*|"
    r"clinic\w*|cl[íi]nica|laborator\w*|labs?|centre|center|centro|zentrum|division|divisi[óo]n|"
    r"academy|academia|akademie?|research|researcher|investigaci[óo]n|ministry|minist[eè]re|"
    r"compan(?:y|ies)|inc|incorporated|ltd|limited|gmbh|llc|corp\w*|foundation|fondazione|"
    r"museum|mus[ée]um|museo|observator\w*|sciences?|ciencias?|ci[êe]ncias|technolog\w*|"
    r"tecnolog\w*|engineering|ingenier[íi]a|medicine|medicina|medical|biology|chemistry|physics|"
    r"mathematics|informatics|statistics|psychology|agricultur\w*|veterinary|"
    r"pharmac(?:y|olog\w*|eutic\w*)|nursing|dentistry|dental|surgery|pathology|genetics|"
    r"health|healthcare|public|program(?:me)?s?|state|national|nazionale|nacional|federal|"
    r"association|society|council|agency|organi[sz]ation|authority|headquarters|services?|"
    r"p\.?o\.? box|street|stra(?:ss|ß)e|avenue|avenida|boulevard|blvd|building|floor|campus|"
    r"district|province|republic|kingdom|city|cnrs|inserm|inra\w*|csic|infn|nasa|cern|"
    r"google|microsoft|facebook|deepmind|openai|nvidia|ibm|huawei|tencent|alibaba|baidu|"
    r"bytedance|amazon|nlp|fellow|student|professor of|equal(?:ly)?|contribut\w+|"
    r"correspond\w+|e-?mails?|tel|fax|phone|address(?:es)?|affiliations?|orcid|"
    r"present|deceased|supervis\w+|"
    r"received|revised|accepted|published|available|online|submitted|copyright|licen[sc]ed?|"
    r"abstract|summary|keywords?|introduction|article|journal|proceedings|conference|workshop|"
    r"symposium|transactions|letters|volume|vol|issue|issn|isbn|doi|pp|pages|editors?|edited|"
    r"reviewed|reviewers?|handling|citation|cite|open access|preprint|version|supplement\w*)\b"
    r"|@|https?:|www\.|©|\b\w+\.(?:edu|com|org|ac\.[a-z]{2})\b",
    re.IGNORECASE,
)

_COUNTRY_NAMES = (
    "afghanistan|albania|algeria|argentina|armenia|australia|austria|azerbaijan|bahrain|"
    "bangladesh|belarus|belgium|belgique|benin|bolivia|bosnia and herzegovina|botswana|brazil|"
    "brasil|brunei|bulgaria|burkina faso|cambodia|cameroon|canada|chile|china|p\\.? ?r\\.? china|"
    "people[’']s republic of china|colombia|costa rica|croatia|cuba|cyprus|czech republic|czechia|"
    "denmark|ecuador|egypt|estonia|ethiopia|finland|france|gabon|germany|deutschland|ghana|"
    "greece|guatemala|honduras|hong kong|hungary|iceland|india|indonesia|iran|iraq|ireland|"
    "israel|italy|italia|jamaica|japan|jordan|kazakhstan|kenya|south korea|korea|"
    "republic of korea|kuwait|laos|latvia|lebanon|libya|lithuania|luxembourg|macau|macedonia|"
    "madagascar|malawi|malaysia|mali|malta|mexico|m[ée]xico|moldova|mongolia|montenegro|morocco|"
    "mozambique|myanmar|namibia|nepal|the netherlands|netherlands|new zealand|nicaragua|niger|"
    "nigeria|norway|oman|pakistan|palestine|panama|paraguay|peru|per[úu]|philippines|poland|"
    "polska|portugal|puerto rico|qatar|romania|russia|russian federation|rwanda|saudi arabia|"
    "ksa|senegal|serbia|singapore|slovakia|slovenia|south africa|spain|espa[ñn]a|sri lanka|sudan|"
    "sweden|switzerland|syria|taiwan|tanzania|thailand|tunisia|turkey|t[üu]rkiye|uganda|ukraine|"
    "united arab emirates|uae|united kingdom|u\\.?k\\.?|england|scotland|wales|northern ireland|"
    "united states(?: of america)?|u\\.?s\\.?a\\.?|uruguay|uzbekistan|venezuela|viet ?nam|yemen|"
    "zambia|zimbabwe"
)
COUNTRY = re.compile(rf"(?:{_COUNTRY_NAMES})\.?", re.IGNORECASE)

FUNCTION_WORDS = frozenset(
    [
        "the",
        "of",
        "for",
        "in",
        "on",
        "with",
        "to",
        "by",
        "from",
        "at",
        "an",
        "is",
        "are",
        "was",
        "were",
        "this",
        "that",
        "these",
        "those",
        "using",
        "based",
        "via",
        "we",
        "our",
        "as",
        "its",
        "their",
        "which",
        "between",
        "among",
        "during",
        "after",
        "before",
        "under",
        "over",
        "into",
        "than",
        "not",
        "can",
        "may",
        "or",
        "how",
        "what",
        "why",
        "when",
        "where",
        "new",
        "towards",
        "toward",
        "für",
        "zur",
        "mit",
        "eine",
        "einer",
        "des",
        "dans",
        "pour",
        "sur",
        "une",
        "les",
        "aux",
        "avec",
        "para",
        "con",
        "por",
        "una",
        "las",
        "los",
        "sobre",
        "com",
        "uma",
        "nos",
        "nas",
        "em",
        "no",
        "na",
    ]
)

# Words that stand in subtitles, capitals or not, and in no name.
OF_TITLES = re.compile(
    r"\b(?:the|of|for|with|from|among|between|during|after|before|under|into|towards?|using|"
    r"versus|vs|through|across|against|stud(?:y|ies)|reviews?|analys[ie]s|trials?|reports?|"
    r"evidence|approach|perspectives?|surveys?|overview|effects?|methods?|models?|data|"
    r"results?|protocol|commentary|lessons|challenges|applications?|systems?)\b",
    re.IGNORECASE,
)

# What ends the block of authors and addresses.
FRONT_ENDS = re.compile(
    r"(?:graphical )?a\s?b\s?s\s?t\s?r\s?a\s?c\s?t\b|(?:executive )?summary\b|"
    r"a\s?r\s?t\s?i\s?c\s?l\s?e\s+i\s?n\s?f\s?o|"
    r"r[ée]sum[ée]\b|resumen\b|resumo\b|zusammenfassung\b|riassunto\b|highlights\b|key\s?words?\b|"
    r"index terms\b|(?:1|I)?\.?\s*introduction\b|摘\s*要|要\s*旨|초록|contents\b|"
    r"table of contents\b|statement of need\b",
    re.IGNORECASE,
)

# Small print that stands among the blocks of a first page.
SMALL_PRINT = re.compile(
    r"\b(?:received|revised|accepted|published|available online|submitted)\b.{0,12}\d|"
    r"\bcorrespond(?:ing|ence)\b|©|\(c\) ?(?:19|20)\d\d|\bcopyright\b|\blicen[sc]e[ed]?\b|"
    r"\bcreative commons\b|\bopen access\b|\bdoi\b|10\.\d{4,9}/|@|\be-?mail\b|"
    r"\bacademic editor|\bedited by|\breviewed by|\bcitation:|\bcite this|how to cite|"
    r"\bconflicts? of interest|\bcompeting interests?|\bfunding:|\bissn\b|all rights reserved|"
    r"\bequal(?:ly)? contribut|contributed equally|\bthese authors\b|"
    r"\bpermission to make\b|\bdata availability|\bhomepage\b|peer[- ]review(?:ed)? (?:under|by)",
    re.IGNORECASE,
)


def is_address(text: str) -> bool:
    """True when the text has the words or digits of an address, a date or other small print."""
    return bool(ADDRESS.search(text)) or any(
        COUNTRY.fullmatch(part.strip()) for part in text.split(",")[-2:]
    )
