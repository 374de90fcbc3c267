import pytest

from tasks.ansi import Painter, plain

RED, BOLD, RESET = "\x1b[31m", "\x1b[1m", "\x1b[0m"


def span(classes: str, text: str) -> str:
    return f'<span class="{classes}">{text}</span>'


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        (f"{RED}red{RESET} not", span("sgr-fg-red", "red") + " not"),
        (f"{BOLD}{RED}both{RESET}", span("sgr-bold sgr-fg-red", "both")),
        ("\x1b[1;4;32mok\x1b[22;24m no", span("sgr-bold sgr-underline sgr-fg-green", "ok")
         + span("sgr-fg-green", " no")),
        ("\x1b[41;97mbright\x1b[39;49m", span("sgr-bg-red sgr-fg-white", "bright")),
        ("\x1b[mreset", "reset"),
        ("\x1b[38;5;196mx", span("sgr-fg-red", "x")),
        ("\x1b[38;5;12mx", span("sgr-fg-blue", "x")),
        ("\x1b[38;5;250mx", span("sgr-fg-white", "x")),
        ("\x1b[48;2;0;255;255mx", span("sgr-bg-cyan", "x")),
        ("\x1b[38:2:255:0:255mx", span("sgr-fg-magenta", "x")),
        ("\x1b[38;5mx", span("sgr-fg-black", "x")),
        ("\x1b[38mx", "x"),
        ("\x1b[99999999999mx", "x"),
    ],
)  # fmt: skip
def test_colours_and_weights_become_classes(raw: str, shown: str) -> None:
    assert Painter().paint(raw) == shown


@pytest.mark.parametrize(
    "raw",
    [
        "\x1b[2Ka\x1b[1Ab",
        "\x1b]0;a title\x07ab",
        "\x1b]8;;javascript:alert(1)\x07ab\x1b]8;;\x1b\\",
        "a\x1b[?25lb",
        "a\x07\x08\x00b",
        "a\x9b\x85b",
        "ab\x1b]0;never ended",
        "\x1b[>4;1mab",
    ],
)
def test_everything_else_that_steers_a_terminal_is_taken_out(raw: str) -> None:
    assert Painter().paint(raw) == "ab"
    assert plain(raw) == "ab"


def test_words_are_escaped_inside_a_colour_and_outside() -> None:
    assert Painter().paint(f"<b>{RED}<script>&{RESET}") == "&lt;b&gt;" + span(
        "sgr-fg-red", "&lt;script&gt;&amp;"
    )


def test_a_colour_lasts_until_it_is_taken_back_across_lines() -> None:
    painter = Painter()
    assert painter.paint(f"{RED}one") == span("sgr-fg-red", "one")
    assert painter.paint("two") == span("sgr-fg-red", "two")
    assert painter.paint(f"{RESET}three") == "three"


def test_lines_that_are_not_shown_are_followed() -> None:
    painter = Painter()
    painter.follow(f"{BOLD}before")
    assert painter.paint("shown") == span("sgr-bold", "shown")


def test_a_line_of_nothing_but_colours_costs_little() -> None:
    assert Painter().paint(f"{RED}{RESET}" * 800) == ""
