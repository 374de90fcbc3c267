"""Projects in files: what comes out goes in again, and what is wrong is said with its place."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from octoserver.deployments import documents, sample, transfer
from octoserver.deployments.models import Change, Environment, Project, Variable
from tests.deployments import rows

pytestmark = pytest.mark.django_db

SMALL = """\
format: 1
project:
  name: Shop
  slug: shop
environments: [Development, Production]
process:
  - name: Build
    script: |
      echo one
variables:
  - name: A
    value: "#{B}"
  - name: B
    value: "1"
    environments: [Production]
  - name: B
    value: "2"
  - name: Password
    sensitive: true
runbooks:
  - name: Clean up
    process:
      - name: Sweep
        script: echo swept
triggers:
  - name: Nightly
    cron: 0 2 * * *
    time_zone: Europe/Berlin
    environment: Production
    runbook: Clean up
"""


def load(text: str) -> list[str]:
    return transfer.carry_out(documents.load(text.encode()))


def test_a_project_comes_out_as_it_went_in() -> None:
    load(SMALL)
    once = documents.dump(transfer.export(Project.objects.get()))
    assert load(once) == []
    assert documents.dump(transfer.export(Project.objects.get())) == once


def test_the_sample_survives_a_journey_through_a_file() -> None:
    sample.make()
    text = documents.dump(transfer.export(Project.objects.get()))
    Project.objects.all().delete()
    load(text)
    assert documents.dump(transfer.export(Project.objects.get())) == text


def test_a_preview_says_what_would_change_and_changes_nothing() -> None:
    load(SMALL)
    before = Change.objects.count()
    document = documents.load(
        SMALL.replace("echo one", "echo two").replace("Nightly", "Daily").encode()
    )
    assert transfer.preview(document) == [
        "~ step Build: script",
        "- trigger Nightly",
        "+ trigger Daily",
    ]
    assert Change.objects.count() == before
    assert Project.objects.get().steps.get(name="Build").script == "echo one\n"


def test_a_sensitive_value_is_kept_through_an_import() -> None:
    load(SMALL)
    Variable.objects.filter(name="Password").update(value="sealed")
    load(SMALL.replace('"2"', '"3"'))
    assert Variable.objects.get(name="Password").value == "sealed"
    assert Variable.objects.get(name="B", environments=None).value == "3"


WRONG: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace("format: 1", "format: 2"), "Line 1, column 9: “2” is not 1."),
    (lambda text: text.replace("format: 1\n", ""), "The key “format” is missing"),
    (lambda text: text.replace("script:", "skript:"), "Line 8, column 5: “skript” is no key here"),
    (
        lambda text: text.replace("    script: |\n      echo one\n", ""),
        "Line 7, column 5: The key “script”",
    ),
    (lambda text: text.replace("echo one", "  "), "Line 8, column 13: The step has no script."),
    (lambda text: text.replace("#{B}", "#{A}"), "Line 11, column 5: It refers to itself"),
    (lambda text: text.replace("#{B}", "#{Z}"), "Line 11, column 5: It refers to #{Z}"),
    (lambda text: text.replace("[Production]", "[Moon]"), "There is no environment “Moon”"),
    (lambda text: text.replace("0 2 * * *", "often"), "This is no cron expression"),
    (lambda text: text.replace("value: \"2\"", "value: 2"), "text may need quotes"),
    (
        lambda text: text.replace("sensitive: true", "sensitive: true\n    value: x"),
        "has no value in a file",
    ),
    (lambda text: text + "name: [", "This is not YAML"),
    (lambda text: text + "format: 1\n", "stands here twice"),
    (lambda text: "- a\n- b\n", "Here must be the keys"),
    (lambda text: "", "The file is empty."),
    (lambda text: "format: 1\nproject: &a {name: *a}\n", "Anchors and aliases are not taken."),
    (lambda text: "format: " + "[" * 20_000, "nested too deep"),
    (lambda text: "format: [" + "a," * 60_000 + "]", "too many parts"),
    (lambda text: "# " + "x" * 10_000_000, "is the most"),
    (lambda text: text.replace("echo one", "\x01"), "This is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("break_it", "words"), WRONG)
def test_what_is_wrong_is_said_with_its_place_and_nothing_is_made(
    break_it: Callable[[str], str], words: str
) -> None:
    with pytest.raises(documents.BadDocument) as refusal:
        load(break_it(SMALL))
    assert words in str(refusal.value)
    assert not Project.objects.exists()
    assert not Environment.objects.exists()


def test_the_command_exports_and_imports(tmp_path: Path) -> None:
    load(SMALL)
    file = tmp_path / "shop.yaml"
    call_command("project", "export", "shop", "--output", str(file))
    file.write_text(file.read_text().replace("echo swept", "echo clean"))
    said = StringIO()
    call_command("project", "import", str(file), "--dry-run", stdout=said)
    assert said.getvalue() == "~ runbook Clean up: process\n"
    call_command("project", "import", str(file), "--yes", stdout=said)
    assert Project.objects.get().steps.get(name="Sweep").script == "echo clean"


def test_the_command_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: b")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("project", "import", str(tmp_path / "bad.yaml"), "--yes")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("project", "import", str(tmp_path / "none.yaml"))
    with pytest.raises(CommandError, match="There is no project"):
        call_command("project", "export", "none")


def test_a_step_that_a_variable_needs_can_go_with_the_variable_s_scope() -> None:
    load(SMALL)
    shop = Project.objects.get()
    rows.variable(shop, "C", "1", steps=[shop.steps.get(name="Build")])
    assert "- step Build" in load(SMALL.replace("name: Build", "name: Make"))
