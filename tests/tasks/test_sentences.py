"""What rows keep in the server's language is said in the reader's, as far as it is the server's."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from octoserver.deployments import history
from tasks import kinds, sentences, verdicts
from tasks.builtin import run_script
from tasks.sentences import translated


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with translation.override("de"):
        yield


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Canceled.", "Abgebrochen."),
        ("Canceled by ada before it started.", "Abgebrochen von ada, bevor sie startete."),
        ("Canceled by the server.", "Abgebrochen von dem Server."),
        ("Check health", "Zustand der Knoten prüfen"),
        ("Deploy My Shop 1.2.0 to Production", "My Shop 1.2.0 in Production bereitstellen"),
        ("Run tidy of Shop in Test", "tidy von Shop in Test ausführen"),
        ("Run echo 100%", "echo 100% ausführen"),
        ("Step tidy of nightly", "Schritt tidy von nightly"),
        ("Step Variables", "Schritt Variables"),
        ("Variables", "Variablen"),
        (
            "Step one: The script ended with exit code 3.\nStep two: ValueError: no",
            "Schritt one: Das Skript endete mit dem Exit-Code 3.\nSchritt two: ValueError: no",
        ),
        (
            "Server node north stops. It starts again.",
            "Der Serverknoten north hält an. Sie startet von Neuem.",
        ),
        ("KeyError: 'x'", "KeyError: 'x'"),
        ("", ""),
    ],
)
def test_a_kept_sentence_is_said_in_the_reader_s_language(kept: str, said: str) -> None:
    assert translated(kept) == said
    with translation.override("en"):
        assert translated(kept) == kept


def test_what_a_person_wrote_at_length_is_left_alone() -> None:
    long = "Run " + "x" * sentences.LONGEST
    assert translated(long) == long


def test_sentences_within_sentences_are_said_as_deep_as_the_server_s_own_go() -> None:
    own = (
        "Not queued: In the step one: The variable A refers to itself: A → A."
        " Late, and once for all it missed: no scheduler ran at its time."
    )
    assert translated(own).startswith("Nicht eingereiht: Im Schritt one: Die Variable A verweist")
    deep = translated("Step one: " * 90 + "end")
    assert deep.count("Schritt one") == sentences.DEEPEST


def constants(module: Any) -> list[str]:
    return [
        value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)
    ]


def test_every_kept_sentence_is_recognised_whatever_it_holds() -> None:
    templates = [*constants(verdicts), *constants(history), run_script.RUN]
    assert len(templates) > 30
    for template in templates:
        names = sentences.PLACEHOLDER.findall(template)
        found = translated(template % dict.fromkeys(names, "(a+%s"))
        assert found == translation.gettext(template) % dict.fromkeys(names, "(a+%s")


def test_every_kind_says_in_german_what_its_tasks_are() -> None:
    for kind in kinds.all():
        if kind.is_system:
            with translation.override("en"):
                kept = kind.description({})
            assert translated(kept) == str(kind.label)


def test_a_script_s_first_line_is_never_translated() -> None:
    kept = run_script.RunScript().description({"script": "#!/bin/sh\nVariables"})
    assert translated(kept) == "Variables ausführen"
