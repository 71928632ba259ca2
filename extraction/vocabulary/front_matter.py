"""The words of front and back matter: abstract, keywords, dates, addresses, licences, mastheads.

The upper part holds fragments of regular expressions (alternatives without a group), one per
concept. The lower part holds the patterns by which several steps recognize what a publisher prints
around a paper. Similar patterns of one concept are kept side by side; they differ where their input
differs: a line, a block, a heading. The patterns ignore case.
"""

from __future__ import annotations

import re

from extraction.vocabulary.section_names import SectionName, names_of

# Fragments.
MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
SEASONS = "spring|summer|autumn|fall|winter"
_MONTH_PREFIXES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_YEAR = r"(?:19|20)\d\d"

# The dates in the history of an article: those that any paper prints, and all.
MAIN_DATES = "received|accepted|published"
ARTICLE_DATES = f"{MAIN_DATES}|revised|submitted"

ABSTRACT_OR_SUMMARY = "abstract|summary"
# "A B S T R A C T" with spaces between its letters, as it is often printed.
SPACED_ABSTRACT = r"a\s?b\s?s\s?t\s?r\s?a\s?c\s?t"
# "Abstract" in other languages that mark the end of a word; in Chinese and Japanese.
TRANSLATED_ABSTRACT = names_of(SectionName.ABSTRACT)
CJK_ABSTRACT = r"摘\s*要|要\s*旨"
INTRODUCTION_OR_BACKGROUND = "introduction|background"
KEYWORDS = "key ?words?"


# The label of an abstract at the beginning of a line; "sure": one that is never another section.
ABSTRACT_LABEL = re.compile(
    rf"(?:(?P<sure>{SPACED_ABSTRACT}|{TRANSLATED_ABSTRACT}|{CJK_ABSTRACT}|초\s*록)|"
    r"(?P<other>(?:executive )?s\s?u\s?m\s?m\s?a\s?r\s?y|synopsis))"
    r"(?P<end>\s*[.:;—–―-]+\s*|\s*$|\s+(?=[A-Z\d\"“(]))",
    re.IGNORECASE,
)
# The whole heading of an abstract. "Summary" alone is not listed: it may also be the first section
# of a paper, or the last.
ABSTRACT_HEADING = re.compile(
    r"(?:graphical |structured |extended |author )?abstract(?: (?:of|for) .{3,40})?|"
    r"(?:graphical|author|plain language|lay|executive) summary|synopsis|highlights",
    re.IGNORECASE,
)

# The label of the keywords, and what ends their list.
_TRANSLATED_KEYWORDS = (
    r"mots[ -]cl(?:[ée]|ef)s?|palabras[ -]claves?|palavras[ -]chaves?|parole[ -]chiave|"
    r"paraules[ -]clau|schl(?:[üu]|ue)ssel(?:w[öo]rter|worte|begriffe)|schlagw[öo]rter|"
    r"stichw[öo]rter|trefwoorden|sleutelwoorden|kernwoorden|n[øo]gleord|n[øo]kkelord|nyckelord|"
    r"emneord|avainsanat|asiasanat|m[äa]rks[õo]nad|s[łl]owa[ -]kluczowe|kl[íi][čc]ov[áa] slova|"
    r"k[ľl][úu][čc]ov[ée] slov[áa]|klju[čc]ne (?:rije[čc]i|re[čc]i|besede)|kulcsszavak|"
    r"cuvinte[ -]cheie|anahtar (?:kelimeler|s[öo]zc[üu]kler)|kata[ -]kunci|từ khóa|"
    r"ключевые слова|ключові слова|ключови думи|кључне речи|λέξεις[ -]κλειδιά|"
    r"[【\[]?关\s*键\s*[词字][】\]]?|關鍵詞|キーワード|主题词|키워드|핵심어|주제어|"
    r"الكلمات (?:المفتاحية|الدالة)|מילות מפתח"
)
KEYWORDS_LABEL = re.compile(
    r"(?:author[’']?s? )?(?:(?:key\s?-?\s?words?(?: and phrases)?)|"
    r"k\s?e\s?y\s?w\s?o\s?r\s?d\s?s|index terms|general terms|descriptors|"
    rf"{_TRANSLATED_KEYWORDS})(?:\s*+\(.{{0,20}}?\))?"
    r"(?:\s*+(?:[.:;—–―-]++|：|$)|\s*?(?-i:(?=\s[A-Z]))|(?<=[】\]])|(?<=[\u3000-\u9fff])(?=\s))\s*+",
    re.IGNORECASE,
)
KEYWORDS_END = re.compile(
    rf"\b(?:abbreviations?|correspond\w+|{MAIN_DATES}|citation|cite this|"
    r"pacs|jel(?: class\w*)?|msc|ccs concepts|acm reference|subject class\w*|"
    r"mathematics subject classification|clc number|document code|doi|funding|"
    r"(?:\d+\.?|I\.)\s*introduction|introduction|abstract|nomenclature|highlights|academic editor|"
    r"open access|copyright|trial registration)\b\s*[:.—–-]?|©|https?:",
    re.IGNORECASE,
)

# What computing conferences print between abstract and text.
AFTER_ABSTRACT = re.compile(
    r"(?:ccs concepts|categories and subject descriptors|general terms|"
    r"(?:acm )?reference format)\b",
    re.IGNORECASE,
)

# The end of the block of authors and addresses.
FRONT_ENDS = re.compile(
    rf"(?:graphical )?{SPACED_ABSTRACT}\b|(?:executive )?summary\b|"
    r"a\s?r\s?t\s?i\s?c\s?l\s?e\s+i\s?n\s?f\s?o|"
    rf"(?:{TRANSLATED_ABSTRACT}|highlights|{KEYWORDS}|index terms)\b|"
    rf"(?:1|I)?\.?\s*introduction\b|{CJK_ABSTRACT}|초록|contents\b|"
    r"table of contents\b|statement of need\b",
    re.IGNORECASE,
)
# A line above or beside the text of the first page, which is no row of a table.
FRONT_MATTER_LINE = re.compile(
    rf"(?:{SPACED_ABSTRACT}|article (?:info|history)|a r t i c l e|key ?words|{MAIN_DATES}|"
    r"available online|correspond|citation|copyright|open access|doi\b|©|highlights)",
    re.IGNORECASE,
)
# Small print among the blocks of a first page.
SMALL_PRINT = re.compile(
    rf"\b(?:{ARTICLE_DATES}|available online)\b.{{0,12}}\d|"
    rf"\bcorrespond(?:ing|ence)\b|©|\(c\) ?{_YEAR}|\bcopyright\b|\blicen[sc]e[ed]?\b|"
    r"\bcreative commons\b|\bopen access\b|\bdoi\b|10\.\d{4,9}/|@|\be-?mail\b|"
    r"\bacademic editor|\bedited by|\breviewed by|\bcitation:|\bcite this|how to cite|"
    r"\bconflicts? of interest|\bcompeting interests?|\bfunding:|\bissn\b|all rights reserved|"
    r"\bequal(?:ly)? contribut|contributed equally|\bthese authors\b|"
    r"\bpermission to make\b|\bdata availability|\bhomepage\b|peer[- ]review(?:ed)? (?:under|by)",
    re.IGNORECASE,
)
# What only the cover sheet of a repository or a publisher says.
COVER_SHEET = re.compile(
    r"this is a repository copy|hal is a multi-?disciplinary|\bhal id\s?:|"
    r"l[’']archive ouverte pluridisciplinaire|stable url\s?:|jstor archive|"
    r"see discussions, stats,? and author profiles|all content following this page was uploaded|"
    r"faculty has made this article openly available|made available by the publisher|"
    r"repository of research publications|"
    r"(?:citation|link to|general rights|document) (?:for|to)? ?(?:the )?(?:published version|"
    r"publication record|publication in)|take ?down policy|"
    r"this version is available at|downloaded from .{0,40}(?:repository|archive)|"
    r"is a (?:post-?|pre-?)print (?:version )?of (?:a|an|the) (?:article|paper)|"
    r"this document is the (?:accepted|author)|submit your article to this journal|"
    r"items deposited in|eprints? (?:id|url)|persistent (?:url|link)\s?:|"
    r"the user has requested enhancement|copyright and moral rights|"
    r"full terms (?:and|&) conditions of (?:access and )?use|"
    r"citer ce document|zitierbar unter|empfohlene zitierung|redalyc\.org|"
    r"descargado de|download(?:ed)? aus|téléchargé (?:de|depuis)|baixado de",
    re.IGNORECASE,
)
# What a cover sheet says, and sometimes a paper.
COVER_SHEET_HINT = re.compile(
    r"\bterms (?:of use|and conditions)|terms & conditions|to cite this (?:version|article|paper)|"
    r"to link to this article|article views|digital repository|institutional repository|"
    r"\be-?prints?\b|accepted (?:version|manuscript)|author[’']?s (?:accepted|final) |"
    r"\bpost-?print|published version|publisher[’']?s version|open access articles|"
    r"\bpersonal (?:study|use)\b|hdl\.handle\.net|made available|\bdownloaded (?:from|by|on)\b|"
    r"permission is granted|licen[sc]e agreement|journal (?:item|article)$|reuse$|"
    r"document version|peer reviewed version|\bdeposit(?:ed)?\b|research portal|"
    r"archives?-ouvertes|\baccessed\s?:|nutzungsbedingungen|conditions d[’']utilisation|"
    r"términos de uso|termos de uso|condiciones de uso|dépôt institutionnel|"
    r"reposit[oó]rio institucional|zweitveröffentlichung|"
    r"version (?:acceptée|de l[’']éditeur)|versi[oó]n (?:aceptada|publicada|del autor)|"
    r"versão (?:aceita|publicada|do autor)|(?:akzeptierte|veröffentlichte) version",
    re.IGNORECASE,
)
# The journal's name, volume or address above a title.
MASTHEAD = re.compile(
    r"\b(?:journal of|issn|vol(?:ume)?\.? ?\d|www\.|https?:|doi\b|proceedings of|"
    r"international journal|contents lists|"
    rf"sciencedirect|homepage|available online|(?:{MAIN_DATES})\b.{{0,20}}\d|"
    r"copyright \d|creative commons|arxiv:|preprint)|©",
    re.IGNORECASE,
)

# Paragraphs that a publisher prints around the text: dates, contacts and citation, licences.
DATE_LINE = re.compile(
    rf"\W*(?:manuscript )?(?:{ARTICLE_DATES}|available|"
    rf"first published|article history|date of|history|resubmitted|posted|epub)\b.{{0,60}}?"
    rf"(?:\b(?:{_MONTH_PREFIXES})[a-z]*\b|\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}|"
    rf"\b{_YEAR}\b)",
    re.IGNORECASE | re.DOTALL,
)
IMPRINT = re.compile(
    r"\W*+(?:(?:\w+ )?(?:correspondence|corresponding authors?)\b|authors? for correspondence|"
    r"e-?mail(?: address(?:es)?)?s?\s?:|tel(?:ephone)?\s?[.:]|fax\s?:|contact\s?:|"
    r"address (?:all |for )?(?:correspondence|reprint)|to whom correspondence|"
    r"(?:please )?cite (?:this|as)|how to cite|to cite this|citation\s?:|acm reference format|"
    r"reference format|"
    r"(?:(?:academic|handling|associate|section|review|managing|guest) )?editors?\s?:|"
    r"edited by\b|reviewed by\b|reviewers?\s?:|specialty section|"
    r"(?:https?://)?(?:dx\.)?doi(?:\.org|\s?:)|[^.]{5,50}; ?doi:|(?:e-?)?issn\b|isbn\b|pii\s?:|"
    r"contents lists? available|journal homepage|article info(?:rmation)?\b|"
    r"open access$|check for updates$|crossmark|"
    r"(?:this )?(?:article|paper|work) (?:was submitted to|is part of|has been accepted)|"
    r"peer[- ]review under responsibility|these authors contributed|"
    r"equal contributions?\b|\w+ authors contributed equally)",
    re.IGNORECASE,
)
# The beginning of the citation of the paper itself.
CITE_THIS = re.compile(
    r"\W*(?:(?:please )?cite (?:this|as)\b|how to cite\b|to cite this\b|citation\s?:|"
    r"(?:acm )?reference format\b)",
    re.IGNORECASE,
)
LICENCE = re.compile(
    rf"creative ?commons|open[- ]access (?:article|journal)|©|\(c\) {_YEAR}|"
    r"^\W*copyright\b|all rights reserved|exclusive licen[sc]ee|permission to make digital|"
    r"authors? of papers retain copyright|licen[sc]e \(cc|\bcc[- ]by\b|"
    r"publisher['’]s note|remains? neutral with regard to jurisdiction|downloaded from\b|"
    r"use of this (?:article|work) is subject to",
    re.IGNORECASE,
)
PUBLISHERS_NOTE = re.compile(
    r"publisher[’']?s note\W*$|publisher[’']?s note.{0,4}springer|springer nature remains neutral",
    re.IGNORECASE,
)
# Notes that journals print after the last reference without a heading of their own.
NOTE_AFTER_REFERENCES = re.compile(
    r"(?:conflicts? of interests?|(?:declaration of )?competing interests?|copyright\b|©|"
    r"\(c\) \d{4}|publisher[’']?s[’']? notes?|disclaimer|sample availability|how to cite|"
    r"(?:to )?cite this (?:article|paper)|citation:|received:?\s|accepted\b|submit your|"
    r"ready to submit|open access\b|this is an open[- ]access|licensee\b|"
    r"this article is (?:an open|distributed|licensed|published)|"
    r"(?:address )?(?:for )?correspondence|edited by|reviewed by|publish with|"
    r"springer nature remains|supplementary (?:materials?|information|data)\b|"
    r"author contributions?|acknowledge?ments?\b|funding\b|data availability)",
    re.IGNORECASE,
)

# Words of addresses, institutions and small print, which are in no name of a person.
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
    rf"{ARTICLE_DATES}|available|online|copyright|licen[sc]ed?|"
    rf"{ABSTRACT_OR_SUMMARY}|keywords?|introduction|article|journal|proceedings|conference|workshop|"
    r"symposium|transactions|letters|volume|vol|issue|issn|isbn|doi|pp|pages|editors?|edited|"
    r"reviewed|reviewers?|handling|citation|cite|open access|preprint|version|supplement\w*)\b"
    r"|@|https?:|www\.|©|\b\w+\.(?:edu|com|org|ac\.[a-z]{2})\b",
    re.IGNORECASE,
)

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{2,}")

# What a library prints at the edge of a copy: who fetched it, from where, and when.
DOWNLOADED = re.compile(
    r"(?:this (?:article|paper|copy|document|content|pdf) (?:was|is|has been) )?"
    r"(?:downloaded|delivered)(?: \S{1,60}){0,3} (?:from|by|on|via|to|at|for)\b",
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

# Articles, prepositions, pronouns and conjunctions: evidence of a sentence or a title.
_FUNCTION_WORDS = (
    "the of for in on with to by from at an is are was were this that these those using based "
    "via we our as its their which between among during after before under over into than not "
    "can may or how what why when where new towards toward für zur mit eine einer des dans pour "
    "sur une les aux avec para con por una las los sobre com uma nos nas em no na"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

# Words of subtitles, capitalized or not, which are in no name of a person.
OF_TITLES = re.compile(
    r"\b(?:the|of|for|with|from|among|between|during|after|before|under|into|towards?|using|"
    r"versus|vs|through|across|against|stud(?:y|ies)|reviews?|analys[ie]s|trials?|reports?|"
    r"evidence|approach|perspectives?|surveys?|overview|effects?|methods?|models?|data|"
    r"results?|protocol|commentary|lessons|challenges|applications?|systems?)\b",
    re.IGNORECASE,
)


def begins_abstract(text: str) -> bool:
    """True if the text begins with a label that only abstracts have."""
    label = ABSTRACT_LABEL.match(text)
    return label is not None and bool(label["sure"])


def is_address(text: str) -> bool:
    """True if the text has the words or digits of an address, a date or other small print."""
    return bool(ADDRESS.search(text)) or any(
        COUNTRY.fullmatch(part.strip()) for part in text.split(",")[-2:]
    )
