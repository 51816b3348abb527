"""Folding and tokens: every spelling that people type for a name leads to the same tokens."""

import unicodedata

import pytest

from soniquebay.library.search import text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RØYKEN", "royken"), ("Łódka", "lodka"), ("Straße", "STRASSE"), ("Ærø", "aero"), ("Œuvre", "oeuvre"),
        ("Đorđe", "dorde"), ("Guðrún", "gudrun"), ("Þór", "thor"), ("Ħal", "hal"), ("Kıraç", "kirac"),
        ("Saŋŋa", "sanna"),
        ("İSTANBUL", "istanbul"), ("Việt Nam", "viet nam"), ("Ελλάδα", "ΕΛΛΑΔΑ"), ("Ὀδυσσεύς", "οδυσσευσ"),
        ("Ёлка", "елка"), ("за́мок", "замок"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"), ("ﾊﾟﾊﾟ", "パパ"), ("ｶﾞｷﾞ", "ガギ"), ("ﬁne", "fine"), ("Ⅳ", "iv"),
        ("ひかり", "ヒカリ"), ("٤٢", "42"), ("४२", "42"),
        ("Don’t “Stop” – now…", "don't 'stop' - now..."), ("Don´t", "don't"), ("Hawaiʻi", "hawai'i"),
        ("سَلام", "سلام"), ("أحمد", "احمد"), ("ســلام", "سلام"), ("کتاب", "كتاب"), ("שָׁלוֹם", "שלום"),
        ("\ufeffsoft\u00adhyphen", "softhyphen"), ("a\x00b\x1fc", "a b c"), ("👍🏽", "👍"), ("❤️", "❤"),
    ],
)  # fmt: skip
def test_spellings_that_people_type_for_one_another_are_equal(one: str, other: str) -> None:
    for form in ("NFC", "NFD"):
        assert text.fold(unicodedata.normalize(form, one)).translate({0x22: 0x27}) == text.fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Чай", "Чаи"), ("Ї", "І"), ("ババ", "パパ"), ("ババ", "ハハ"), ("かき", "がき"), ("हिन्दी", "हन्द"),
     ("กา", "กี"), ("하다", "아다")],
)  # fmt: skip
def test_a_mark_that_makes_another_letter_stays(one: str, other: str) -> None:
    for form in ("NFC", "NFD"):
        assert text.fold(unicodedata.normalize(form, one)) == text.fold(one) != text.fold(other)


def test_folding_is_done_once() -> None:
    characters = [chr(code) for code in range(0x20, 0x3000)]
    folded = [text.fold(character) for character in characters]
    assert [text.fold(form) for form in folded] == folded
    assert not any(text.WHOLE_FIELD_MARK in form for form in folded)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Hello World", {"hello", "world", "ªhelloworld"}),
        ("P!nko", {"p", "nko", "pnko", "pinko", "ªpnko", "ªpinko"}),
        ("R.E.Q.", {"r", "e", "q", "req", "ªreq"}),
        ("R. E. Q.", {"r", "e", "q", "req", "ªreq"}),
        ("A B Cd", {"a", "b", "cd", "ab", "ªabcd"}),
        ("Q$AP", {"q", "ap", "qap", "qsap", "ªqap", "ªqsap"}),
        ("AC∕DC", {"ac", "dc", "acdc", "ªacdc"}),
        ("Don’t", {"don", "t", "dont", "ªdont"}),
        ("The Kin", {"the", "kin", "ªthekin", "ªkin"}),
        ("Kin, The", {"the", "kin", "ªkinthe", "ªkin"}),
        ("A & Bo", {"a", "bo", "and", "ªabo"}),
        ("!!!", {"！！！", "！", "ª！！！"}),
        ("÷", {"÷", "ª÷"}),
        ("÷ (Deluxe)", {"÷", "deluxe", "ªdeluxe"}),
        ("Song - Live!", {"song", "live", "ªsonglive"}),
        ("Me ❤ You", {"me", "❤", "you", "ªmeyou"}),
        ("❤️\u200d🔥", {"❤🔥", "❤", "🔥", "ª❤🔥"}),
        ("東京事変", {"東", "京", "事", "変", "東京", "京事", "事変", "ª東京事変"}),
        ("椎名 林檎", {"椎", "名", "林", "檎", "椎名", "名林", "林檎", "ª椎名林檎"}),
        ("EP曲2", {"ep", "2", "e", "p", "曲", "p曲", "曲2", "ªep曲2"}),
        ("हिन्दी गीत", {"हिन्दी", "गीत", "ªहिन्दीगीत"}),
        ("می\u200cخواهم", {"مي", "خواهم", "ميخواهم", "ªميخواهم"}),
        (" ", set()),
    ],
)  # fmt: skip
def test_tokens_of_a_name(name: str, found: set[str]) -> None:
    assert set(text.name_tokens(name)) == found


def test_plain_names_take_a_shorter_way_to_the_same_tokens() -> None:
    for name in ("love", "Love Me Do", "theory of 2", "X" * 100):
        plain = text.name_tokens(name)
        assert plain == [*text.tokens(name), *text.whole_field_tokens(name)]
        assert len(plain[-1]) <= len(text.WHOLE_FIELD_MARK) + text.MAX_WHOLE_CHARACTERS


def test_no_token_is_split_or_changed_by_the_tokenizer_of_the_index() -> None:
    codes = [*range(1, 0x3400), *range(0xF900, 0x10000), *range(0x1F000, 0x20000), 0x4E00, 0xAC00, 0xD800, 0xE000]
    everything = "".join(map(chr, codes))
    for start in range(0, len(everything), 50):
        piece = everything[start : start + 50]
        for token in [*text.name_tokens(piece), *text.name_tokens(" ".join(piece))]:
            assert token
            # FTS5's tokenizer `ascii` splits at ASCII signs and changes ASCII capitals.
            assert all(c > "\x7f" or c.islower() or c.isdecimal() for c in token), (start, token)


@pytest.mark.parametrize(
    ("typed", "alternatives"),
    [
        ("p!nk", [{("p", "nk"), ("pnk",), ("pink",)}]),
        ("ac/dc live", [{("ac", "dc"), ("acdc",)}, {("live",)}]),
        ("simon & garfunkel", [{("simon",)}, {("garfunkel",)}]),
        ("love !", [{("love",)}]),
        ("!!!", [{("！！！",)}]),
        ("❤ you", [{("❤",)}, {("you",)}]),
        ("曲", [{("曲",)}]),
        ("ep曲2", [{("ep", "p曲", "曲2"), ("ep", "曲", "2")}]),
        ("東京 事変", [{("東京",)}, {("事変",)}]),
        ("'", [{("＇",)}]),
        ("", []),
    ],
)  # fmt: skip
def test_words_of_a_question(typed: str, alternatives: list[set[tuple[str, ...]]]) -> None:
    assert [set(word.alternatives) for word in text.parse_question(typed)] == alternatives


def test_only_words_are_known_for_typing_errors() -> None:
    tokens = ["love", "ªlove", "1984", "of", "p2p", "東京", "！！！", "чай", "हिन्दी"]
    assert list(text.spellings(tokens)) == ["love", "p2p", "чай", "हिन्दी"]
