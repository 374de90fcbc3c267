"""Extract the texts of the server, compile what they are in other languages, and find mistakes.

``python -m tests.messages`` brings every catalogue up to date: ``make messages`` runs it. Compiled
catalogues are kept beside their sources, since a machine that runs the server has no gettext tools.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
# Each has the texts of its own folder; the server's also those of templates/.
APPLICATIONS = ("maintenance", "tasks", "octoserver")
IGNORED = ("tests", "docs", "var", "static", ".venv", ".ci")
KEPT = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|(?<!#)\{\w+\}")


def catalogues(root: Path = ROOT) -> Iterator[Path]:
    for application in APPLICATIONS:
        for language in LANGUAGES:
            yield root / application / "locale" / language / "LC_MESSAGES" / "django.po"


def extract(root: Path = ROOT) -> None:
    """Bring the catalogues of a tree up to date with its texts, by xgettext and msgmerge."""
    for path in catalogues(root):
        path.parent.mkdir(parents=True, exist_ok=True)
    languages = [f"--locale={language}" for language in LANGUAGES]
    ignored = [f"--ignore={name}" for name in IGNORED]
    command = [sys.executable, "manage.py", "makemessages", "--no-location", "--no-obsolete"]
    # Those of the server, whoever calls: a test has settings of its own.
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "octoserver.settings"}
    command += [*languages, *ignored]
    subprocess.run(command, cwd=root, env=env, check=True, capture_output=True)
    for path in catalogues(root):
        _tidy(path)


def _tidy(path: Path) -> None:
    """Sort a catalogue, and leave out guesses, and what tells of a person, a machine or a day."""
    found = polib.pofile(str(path), wrapwidth=0)
    for entry in found:
        if entry.fuzzy:
            entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
        entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
        entry.comment = entry.tcomment = ""
        entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
    tidy = polib.POFile(wrapwidth=0)
    tidy.header = "Kept up to date by make messages, which sorts it; translate here."
    tidy.metadata = {"Project-Id-Version": "Octoserver", "Language": path.parts[-3]}
    tidy.metadata |= {name: found.metadata[name] for name in KEPT}
    tidy.extend(sorted(found, key=lambda entry: (entry.msgid, entry.msgctxt or "")))
    tidy.save(str(path), newline="\n")


def compiled(path: Path) -> bytes:
    """Return what the compiled form of a catalogue is; the same on every machine."""
    return bytes(polib.pofile(str(path)).to_binary())


def texts(path: Path) -> set[tuple[str, str, str]]:
    """Return what a catalogue has a translation for, or a place for one."""
    entries = polib.pofile(str(path))
    return {(entry.msgctxt or "", entry.msgid, entry.msgid_plural) for entry in entries}


def translations(path: Path) -> dict[tuple[str, str], str]:
    """Return what each text that has no plural is in the catalogue's language."""
    entries = polib.pofile(str(path))
    return {(entry.msgctxt or "", entry.msgid): entry.msgstr for entry in entries if entry.msgstr}


def mistakes(path: Path) -> Iterator[str]:
    """Yield a sentence for each entry that is missing, guessed, obsolete, or not like its text."""
    for entry in polib.pofile(str(path)):
        if entry.obsolete or entry.fuzzy or not entry.translated():
            yield f"not translated: {entry.msgid}"
            continue
        sources = [entry.msgid, entry.msgid_plural or entry.msgid]
        for said in entry.msgstr_plural.values() or [entry.msgstr]:
            if placeholders(said) not in [placeholders(source) for source in sources]:
                yield f"other placeholders: {said}"
            if _ends(said) != _ends(entry.msgid):
                yield f"begins or ends otherwise: {said}"


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text.replace("%%", "")))


def _ends(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()


if __name__ == "__main__":
    extract()
    for catalogue in catalogues():
        catalogue.with_suffix(".mo").write_bytes(compiled(catalogue))
        for mistake in mistakes(catalogue):
            print(f"{catalogue.relative_to(ROOT)}: {mistake}")
