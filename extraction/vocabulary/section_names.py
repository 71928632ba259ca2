"""The names of sections in many languages: "Introdução", "Ergebnisse", "Список литературы".

A name is compared without its accents, spaces and capitals, since headings are printed in capitals
without accents, or with spaces between their letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class SectionName(StrEnum):
    ABSTRACT = "abstract"
    INTRODUCTION = "introduction"
    METHODS = "methods"
    RESULTS = "results"
    DISCUSSION = "discussion"
    CONCLUSIONS = "conclusions"
    REFERENCES = "references"
    ACKNOWLEDGEMENTS = "acknowledgements"
    APPENDIX = "appendix"
    BACK_MATTER = "back matter"


# Names are separated by "|". A word that is also English, and no section there, is not listed.
_NAMES: Mapping[SectionName, Mapping[str, str]] = {
    SectionName.ABSTRACT: {
        "German": "Zusammenfassung|Kurzfassung|Kurzzusammenfassung",
        "French": "Résumé",
        "Spanish, Portuguese, Galician": "Resumen|Resumo",
        "Italian": "Riassunto|Sommario",
        "Catalan": "Resum",
        "Dutch, Afrikaans": "Samenvatting|Opsomming",
        "Danish, Norwegian, Swedish": "Resumé|Sammendrag|Sammanfattning",
        "Finnish, Estonian": "Tiivistelmä|Kokkuvõte",
        "Polish": "Streszczenie",
        "Czech, Slovak": "Abstrakt|Souhrn|Súhrn|Anotace|Anotácia",
        "Croatian, Slovene": "Sažetak|Povzetek",
        "Hungarian": "Összefoglaló|Összefoglalás|Absztrakt",
        "Romanian": "Rezumat",
        "Turkish": "Özet",
        "Indonesian": "Abstrak",
        "Russian, Ukrainian": "Аннотация|Реферат|Резюме|Анотація",
        "Greek": "Περίληψη",
        "Chinese, Japanese, Korean": "摘要|要旨|概要|抄録|초록|요약",
        "Arabic": "الملخص|ملخص",
    },
    SectionName.INTRODUCTION: {
        "German": "Einleitung|Einführung",
        "Spanish, Portuguese": "Introducción|Introdução|Introdución",
        "Italian": "Introduzione",
        "Catalan": "Introducció",
        "Dutch": "Inleiding",
        "Danish, Norwegian, Swedish": "Indledning|Innledning|Inledning|Introduksjon|Introduktion",
        "Finnish, Estonian": "Johdanto|Sissejuhatus",
        "Polish": "Wstęp|Wprowadzenie",
        "Czech, Slovak, Croatian, Slovene": "Úvod|Uvod",
        "Hungarian": "Bevezetés|Bevezető",
        "Romanian": "Introducere",
        "Turkish": "Giriş",
        "Indonesian": "Pendahuluan",
        "Russian, Ukrainian, Bulgarian": "Введение|Вступление|Вступ|Увод|Въведение",
        "Greek": "Εισαγωγή",
        "Chinese, Japanese, Korean": "引言|前言|绪论|引論|緒言|はじめに|序論|緒論|서론",
        "Arabic": "المقدمة|مقدمة",
    },
    SectionName.METHODS: {
        "German": "Methoden|Methode|Methodik|Material und Methoden|Materialien und Methoden",
        "French": "Méthodes|Méthode|Méthodologie|Matériel et méthodes|Matériels et méthodes",
        "Spanish": "Métodos|Metodología|Material y métodos|Materiales y métodos",
        "Portuguese": "Metodologia|Material e métodos|Materiais e métodos",
        "Italian": "Metodi|Metodologia|Materiali e metodi",
        "Dutch": "Methoden|Materiaal en methoden",
        "Danish, Norwegian, Swedish": "Metode|Metoder|Metod|Material och metoder",
        "Finnish": "Menetelmät|Aineisto ja menetelmät",
        "Polish": "Metody|Metodyka|Materiał i metody|Materiały i metody",
        "Czech, Slovak": "Metodika|Materiál a metody|Materiál a metódy|Metódy",
        "Croatian, Slovene": "Materijali i metode|Materiali in metode",
        "Hungarian": "Módszerek|Anyag és módszer|Anyagok és módszerek",
        "Romanian": "Materiale și metode|Metodologie",
        "Turkish": "Yöntem|Materyal ve metot|Gereç ve yöntem",
        "Indonesian": "Metode|Metode penelitian",
        "Russian, Ukrainian": "Методы|Материалы и методы|Методика|Материал и методы|"
        "Матеріали і методи|Матеріали та методи",
        "Greek": "Μέθοδοι|Μεθοδολογία|Υλικά και μέθοδοι",
        "Chinese, Japanese, Korean": "方法|材料与方法|研究方法|方法論|연구방법",
    },
    SectionName.RESULTS: {
        "German": "Ergebnisse|Resultate|Ergebnisse und Diskussion",
        "French": "Résultats|Résultats et discussion",
        "Spanish, Portuguese": "Resultados|Resultados y discusión|Resultados e discussão",
        "Italian": "Risultati|Risultati e discussione",
        "Dutch": "Resultaten",
        "Danish, Norwegian, Swedish": "Resultater|Resultat",
        "Finnish": "Tulokset",
        "Polish": "Wyniki|Wyniki i dyskusja",
        "Czech, Slovak": "Výsledky|Výsledky a diskuse|Výsledky a diskuze|Výsledky a diskusia",
        "Croatian, Slovene": "Rezultati|Rezultati i rasprava",
        "Hungarian, Romanian": "Eredmények|Rezultate|Rezultate și discuții",
        "Turkish": "Bulgular|Bulgular ve tartışma",
        "Indonesian": "Hasil|Hasil dan pembahasan",
        "Russian, Ukrainian": "Результаты|Результаты и обсуждение|Результаты исследования|"
        "Результати|Результати та обговорення",
        "Greek": "Αποτελέσματα",
        "Chinese, Japanese, Korean": "结果|结果与讨论|結果|実験結果|결과",
    },
    SectionName.DISCUSSION: {
        "German": "Diskussion",
        "Spanish, Portuguese": "Discusión|Discussão",
        "Italian": "Discussione",
        "Dutch": "Discussie",
        "Danish, Norwegian, Swedish": "Diskussion|Diskusjon",
        "Finnish, Polish": "Pohdinta|Dyskusja",
        "Czech, Slovak": "Diskuse|Diskuze|Diskusia",
        "Croatian, Slovene": "Rasprava|Razprava",
        "Hungarian, Romanian": "Megbeszélés|Discuții",
        "Turkish, Indonesian": "Tartışma|Pembahasan",
        "Russian, Ukrainian": "Обсуждение|Обсуждение результатов|Обговорення",
        "Greek": "Συζήτηση",
        "Chinese, Japanese, Korean": "讨论|討論|考察|고찰",
    },
    SectionName.CONCLUSIONS: {
        "German": "Schlussfolgerungen|Schlussfolgerung|Fazit|Schluss|Zusammenfassung und Ausblick",
        "Spanish, Portuguese": "Conclusión|Conclusiones|Conclusão|Conclusões|Considerações finais|"
        "Consideraciones finales",
        "Italian, Catalan": "Conclusioni|Conclusione|Conclusió",
        "Dutch": "Conclusie|Conclusies",
        "Danish, Norwegian, Swedish": "Konklusion|Konklusjon|Slutsatser|Slutsats",
        "Finnish": "Johtopäätökset|Yhteenveto",
        "Polish": "Wnioski|Podsumowanie",
        "Czech, Slovak, Croatian, Slovene": "Závěr|Závěry|Záver|Zaključak|Zaključek|Zaključci",
        "Hungarian, Romanian": "Következtetések|Concluzii",
        "Turkish, Indonesian": "Sonuç|Sonuçlar|Kesimpulan|Simpulan",
        "Russian, Ukrainian": "Заключение|Выводы|Висновки",
        "Greek": "Συμπεράσματα",
        "Chinese, Japanese, Korean": "结论|結論|结语|おわりに|まとめ|결론",
        "Arabic": "الخاتمة|خاتمة",
    },
    SectionName.REFERENCES: {
        "German": "Literatur|Literaturverzeichnis|Literaturangaben|Quellenverzeichnis|Quellen|"
        "Zitierte Literatur|Bibliographie|Bibliografie|Quellen- und Literaturverzeichnis",
        "French": "Références|Références bibliographiques|Bibliographie|Références citées|"
        "Liste des références",
        "Spanish, Galician": "Referencias|Referencias bibliográficas|Bibliografía|"
        "Referencias citadas|Literatura citada|Bibliografía citada|Bibliografía consultada|"
        "Lista de referencias",
        "Portuguese": "Referências|Referências bibliográficas|Bibliografia|Lista de referências|"
        "Bibliografia consultada|Referências citadas",
        "Italian": "Bibliografia|Riferimenti bibliografici|Riferimenti|Letteratura citata",
        "Catalan, Basque": "Referències|Referències bibliogràfiques|Erreferentziak",
        "Dutch": "Literatuur|Literatuurlijst|Referenties|Bronnen|Bronvermelding|Bibliografie",
        "Danish, Norwegian": "Litteratur|Litteraturliste|Referencer|Referanser|Kilder|Kildeliste",
        "Swedish": "Referenser|Källor|Källförteckning|Litteraturförteckning|Litteraturlista",
        "Icelandic": "Heimildir|Heimildaskrá",
        "Finnish, Estonian": "Viitteet|Lähteet|Kirjallisuus|Lähdeluettelo|Kirjandus|Viited|"
        "Kasutatud kirjandus",
        "Latvian, Lithuanian": "Literatūra|Izmantotā literatūra|Literatūros sąrašas",
        "Polish": "Literatura|Literatura cytowana|Piśmiennictwo|Wykaz literatury|Bibliografia",
        "Czech, Slovak": "Literatura|Seznam literatury|Použitá literatura|Reference|Zdroje|"
        "Literatúra|Zoznam použitej literatúry|Použitá literatúra|Zoznam literatúry",
        "Croatian, Slovene, Serbian": "Popis literature|Izvori|Viri|Viri in literatura|Reference|"
        "Литература|Референце",
        "Hungarian": "Irodalom|Irodalomjegyzék|Felhasznált irodalom|Hivatkozások|Források",
        "Romanian": "Referințe|Referințe bibliografice|Bibliografie",
        "Turkish": "Kaynaklar|Kaynakça",
        "Indonesian, Malay": "Daftar pustaka|Referensi|Rujukan",
        "Vietnamese": "Tài liệu tham khảo",
        "Russian": "Литература|Список литературы|Список использованной литературы|"
        "Использованная литература|Список источников|Список использованных источников|"
        "Библиографический список|Библиография|Цитированная литература|Список цитируемой "
        "литературы|Источники",
        "Ukrainian, Bulgarian": "Література|Список літератури|Список використаних джерел|"
        "Бібліографія|Използвана литература",
        "Greek": "Βιβλιογραφία|Αναφορές|Βιβλιογραφικές αναφορές",
        "Chinese, Japanese, Korean": "参考文献|參考文獻|参考资料|引用文献|文献|참고문헌|참고 문헌",
        "Arabic, Persian, Hebrew": "المراجع|المصادر|قائمة المراجع|المصادر والمراجع|منابع|مراجع|"
        "מקורות|ביבליוגרפיה",
    },
    SectionName.ACKNOWLEDGEMENTS: {
        "German": "Danksagung|Danksagungen",
        "French": "Remerciements|Remerciement",
        "Spanish, Portuguese": "Agradecimientos|Agradecimiento|Agradecimentos|Agradecimento",
        "Italian, Catalan": "Ringraziamenti|Ringraziamento|Agraïments",
        "Dutch": "Dankwoord",
        "Finnish, Polish": "Kiitokset|Podziękowania",
        "Czech, Slovak, Croatian, Slovene": "Poděkování|Poďakovanie|Zahvala",
        "Hungarian, Romanian": "Köszönetnyilvánítás|Mulțumiri",
        "Turkish, Indonesian": "Teşekkür|Ucapan terima kasih",
        "Russian, Ukrainian": "Благодарности|Благодарность|Подяка|Подяки",
        "Greek": "Ευχαριστίες",
        "Chinese, Japanese, Korean": "致谢|致謝|謝辞|감사의 글",
    },
    SectionName.APPENDIX: {
        "German": "Anhang|Anhänge",
        "French": "Annexe|Annexes|Appendice",
        "Spanish, Portuguese": "Anexo|Anexos|Apéndice|Apêndice|Apéndices|Apêndices",
        "Italian": "Appendice|Allegato|Allegati",
        "Dutch": "Bijlage|Bijlagen",
        "Danish, Norwegian, Swedish": "Bilag|Vedlegg|Bilaga|Bilagor",
        "Finnish, Polish": "Liite|Liitteet|Załącznik|Załączniki",
        "Czech, Slovak, Croatian": "Příloha|Přílohy|Príloha|Prílohy|Prilog|Dodatek",
        "Hungarian, Romanian, Indonesian": "Melléklet|Függelék|Anexă|Lampiran",
        "Russian, Ukrainian": "Приложение|Приложения|Додаток|Додатки",
        "Chinese, Japanese, Korean": "附录|附錄|付録|부록",
    },
    SectionName.BACK_MATTER: {
        "German": "Finanzierung|Förderung|Interessenkonflikt|Interessenkonflikte|"
        "Abkürzungsverzeichnis|Abkürzungen|Datenverfügbarkeit",
        "French": "Financement|Conflit d’intérêts|Conflits d’intérêts|Liens d’intérêts|"
        "Abréviations|Déclaration d’intérêts",
        "Spanish": "Financiación|Financiamiento|Conflicto de interés|Conflicto de intereses|"
        "Conflictos de interés|Abreviaturas|Contribución de los autores",
        "Portuguese": "Financiamento|Conflito de interesse|Conflito de interesses|Conflitos de "
        "interesse|Abreviaturas|Contribuição dos autores",
        "Italian": "Finanziamenti|Conflitto di interessi|Conflitti di interesse|Abbreviazioni",
        "Polish, Czech": "Finansowanie|Konflikt interesów|Financování|Střet zájmů",
        "Russian, Ukrainian": "Финансирование|Конфликт интересов|Источники финансирования|"
        "Фінансування|Конфлікт інтересів",
        "Chinese, Japanese": "利益冲突|利益相反|基金项目",
    },
}
MAX_LENGTH = 60  # characters of a heading that is compared
_NOT_OF_NAME = re.compile(r"[\s’'‘-]+")


def folded(text: str) -> str:
    """Returns the text in lower case without accents, spaces, hyphens and apostrophes."""
    plain = text.casefold()
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        plain = "".join(part for part in parts if not unicodedata.combining(part))
    return _NOT_OF_NAME.sub("", plain)


_NAME_OF: Mapping[str, SectionName] = {
    folded(name): section
    for section, languages in _NAMES.items()
    for names in languages.values()
    for name in names.split("|")
}


def section_name(heading: str) -> SectionName | None:
    """Returns the name of the section that a heading in another language than English, without its
    number, stands for; None for other headings."""
    if len(heading) > MAX_LENGTH:
        return None
    return _name_of(heading)


@lru_cache(maxsize=1024)
def _name_of(heading: str) -> SectionName | None:
    """Cached: several steps ask for the same headings."""
    return _NAME_OF.get(folded(heading.strip(" .:–—-")))


def names_of(section: SectionName) -> str:
    """Returns the names as alternatives of a regular expression, longer ones first."""
    names = {name for of in _NAMES[section].values() for name in of.split("|")}
    plain = {
        "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        for name in names
        if name.isascii() or name[0] < "\u0300"
    }
    return "|".join(sorted(map(re.escape, names | plain), key=lambda name: (-len(name), name)))
