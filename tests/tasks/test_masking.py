"""Sensitive values never reach a log, in whatever pieces they are printed."""

import base64
from collections.abc import Callable

import pytest

from tasks.masking import MASK, SHORTEST, Masker

VALUE = "hunter2-Zebra!"


def fed(*pieces: str | bytes, values: tuple[str, ...] = (VALUE,)) -> str:
    masker = Masker(values)
    data = [piece if isinstance(piece, bytes) else piece.encode() for piece in pieces]
    return (b"".join(map(masker.feed, data)) + masker.end()).decode()


@pytest.mark.parametrize("cut", range(1, len(VALUE)))
def test_a_value_is_found_across_the_border_of_two_chunks(cut: int) -> None:
    assert fed(f"it is {VALUE[:cut]}", f"{VALUE[cut:]} indeed\n") == f"it is {MASK} indeed\n"


def test_a_value_that_comes_byte_by_byte_is_found() -> None:
    assert fed(*f"<{VALUE}>") == f"<{MASK}>"


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n\n", "\x1b[31m", "\x00", "\x1b[0m\n\x1b[1m"])
def test_a_value_in_pieces_across_lines_is_found(between: str) -> None:
    shown = fed(between.join(VALUE))
    assert shown.replace("\n", "") == MASK


def test_an_escape_sequence_cut_in_two_hides_nothing() -> None:
    assert fed(f"{VALUE[:5]}\x1b[3", f"1m{VALUE[5:]}") == MASK


def test_ends_of_lines_inside_a_value_stay_behind_the_mask() -> None:
    assert fed(f"a {VALUE[:4]}\n{VALUE[4:]} b\n") == f"a {MASK}\n b\n"


@pytest.mark.parametrize(
    "form",
    [
        base64.b64encode(VALUE.encode()).decode(),
        "hunter2-Zebra%21",
        f'{{"password": "{VALUE}"}}',
    ],
)
def test_the_usual_codings_of_a_value_are_found(form: str) -> None:
    shown = fed(form)
    assert MASK in shown
    assert "unter2" not in shown


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "admin:"])
@pytest.mark.parametrize("after", ["", "\n", "@host"])
@pytest.mark.parametrize("value", [VALUE, "\u00ff>?\u00fe>?k/+~~~\u00ff"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_value_amid_others_in_base64_is_found(
    before: str, after: str, value: str, encode: Callable[[bytes], bytes]
) -> None:
    shown = fed(encode(f"{before}{value}{after}".encode()), values=(value,))
    assert MASK in shown
    # What is left at its ends, padding apart, tells less than one letter of it on each side.
    left = shown.replace(MASK, "").rstrip("=")
    assert len(left) <= len(encode(before.encode()) + encode(after.encode())) + 2


def test_a_long_value_among_many_forms_is_found_in_whatever_pieces() -> None:
    lines = [base64.b64encode(bytes([number] * 40)).decode() for number in range(60)]
    key = "\n".join(lines)
    text = f"before\n{key}\nafter\n"
    for size in (7, 100, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        shown = fed(*pieces, values=(key, VALUE))
        assert shown.replace("\n", "") == f"before{MASK}after"


def test_each_line_of_a_value_of_many_is_found_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"
    assert fed("  hkiG9w0BAQEFAASC\n", values=(key,)) == f"  {MASK}\n"


def test_of_two_values_with_the_same_beginning_the_longer_one_is_found() -> None:
    assert fed("abcd", "efgh!", values=("abcd", "abcdefgh")) == f"{MASK}!"


def test_what_only_began_like_a_value_is_shown_in_the_end() -> None:
    assert fed(f"{VALUE[:6]}", "\nno\n") == f"{VALUE[:6]}\nno\n"


def test_other_text_is_left_as_it_is() -> None:
    text = "Grüße ✓ \x1b[31mred\x1b[0m\r\n" * 50
    assert fed(text) == text
    assert Masker().feed(text.encode()) == text.encode()


def test_what_has_no_beginning_of_a_value_at_its_end_is_shown_at_once() -> None:
    assert Masker([VALUE]).feed(b"a line\n") == b"a line\n"


def test_a_value_learned_later_is_masked_from_then_on() -> None:
    masker = Masker()
    assert masker.text(VALUE) == VALUE
    masker.add([VALUE])
    assert masker.text(f"the {VALUE}") == f"the {MASK}"


def test_values_too_short_to_be_told_from_words_are_not_masked() -> None:
    assert fed("abc", values=("abc",)) == "abc"
    assert len("abc") == SHORTEST - 1
