"""Projects in files: what comes out goes in again, and what is wrong is said with its place."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from octoserver.deployments import documents, processes, sample, transfer, variables, vault
from octoserver.deployments.errors import BadDocument
from octoserver.deployments.models import Change, Environment, Project, Step, Variable
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
    (lambda text: text.replace("format: 1", "format: 2"), "Line 1, column 9: This is format “2”"),
    (lambda text: text.replace("format: 1\n", ""), "The key “format” is missing"),
    (lambda text: text.replace("script:", "skript:"), "Line 8, column 5: “skript” is no key here"),
    (
        lambda text: text.replace("    script: |\n      echo one\n", ""),
        "Line 7, column 5: The key “script”",
    ),
    (lambda text: text.replace("echo one", "  "), "Line 8, column 13: The step has no script."),
    (lambda text: text.replace("#{B}", "#{A}"), "Line 12, column 12: It refers to itself: A → A."),
    (lambda text: text.replace("#{B}", "#{Z}"), "Line 12, column 12: It refers to #{Z}"),
    (
        lambda text: text.replace("[Production]", "[Moon]"),
        "Line 15, column 19: There is no environment “Moon”",
    ),
    (
        lambda text: text.replace("0 2 * * *", "often"),
        "Line 27, column 11: This is no cron expression (wrong number of fields): write minute",
    ),
    (lambda text: text.replace("slug: shop", "slug: a/b"), "Line 4, column 9: A slug is made of"),
    (lambda text: text.replace("slug: shop", "slug: new"), "Line 4, column 9: “new” is the name"),
    (lambda text: text.replace("name: Shop", 'name: " "'), "Line 3, column 9: A name is needed."),
    (lambda text: text.replace("name: Sweep", 'name: "a\\nb"'), "Write it in one line"),
    (lambda text: text.replace("name: Build", "name: a/b"), "Line 7, column 11: A step's name"),
    (lambda text: text.replace("Development,", '"",'), "Line 5, column 15: A name is needed."),
    (
        lambda text: text.replace("slug: shop", "slug: shop\n  environments: [Mars]"),
        "Line 5, column 17: There is no environment “Mars”",
    ),
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
    (
        lambda text: text.replace("echo one", "\x01"),
        "Line 9, column 7: This is not YAML: the character 0x01 is not allowed.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("break_it", "words"), WRONG)
def test_what_is_wrong_is_said_with_its_place_and_nothing_is_made(
    break_it: Callable[[str], str], words: str
) -> None:
    with pytest.raises(BadDocument) as refusal:
        load(break_it(SMALL))
    assert words in str(refusal.value)
    assert not Project.objects.exists()
    assert not Environment.objects.exists()


def test_what_a_project_may_use_comes_out_and_goes_in_again() -> None:
    load(SMALL.replace("slug: shop", "slug: shop\n  environments: [Production]"))
    text = documents.dump(transfer.export(Project.objects.get()))
    assert [place.name for place in Project.objects.get().environments.all()] == ["Production"]
    assert "  environments:\n    - Production\nenvironments:" in text
    assert load(text) == []


def test_what_changed_since_the_preview_is_not_overwritten() -> None:
    load(SMALL)
    document = documents.load(SMALL.replace("echo one", "echo two").encode())
    lines = transfer.preview(document)
    rows.step(Project.objects.get(), "Added meanwhile")
    with pytest.raises(BadDocument, match="was changed meanwhile"):
        transfer.carry_out(document, foretold=lines)
    assert Project.objects.get().steps.filter(name="Added meanwhile").exists()


def test_more_variables_than_there_may_be_are_refused_before_they_are_compared() -> None:
    values = "".join(f'  - {{name: V{number}, value: "1"}}\n' for number in range(1_001))
    with pytest.raises(BadDocument, match="1,000 variables at most"):
        load(f"format: 1\nproject: {{name: Shop, slug: shop}}\nvariables:\n{values}")
    assert not Project.objects.exists()


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


def test_what_is_no_text_is_said_with_its_place() -> None:
    with pytest.raises(BadDocument) as refusal:
        documents.load(SMALL.encode() + "name: é".encode("latin-1"))
    assert str(refusal.value) == "Line 31, column 7: The file is not text in UTF-8."


def test_a_scope_that_an_import_changes_is_in_the_history() -> None:
    load(SMALL)
    load(SMALL.replace("[Production]\n  - name: B", "[Development]\n  - name: B"))
    change = Change.objects.filter(what="Variables").latest("pk")
    (field, before, after) = change.differences[0]
    assert field == "variables"
    assert set(before) - set(after) == {"B = 1 (Production)"}
    assert set(after) - set(before) == {"B = 1 (Development)"}


def test_a_long_sensitive_value_is_kept_through_an_import() -> None:
    load(SMALL)
    row = Variable.objects.get(name="Password")
    variables.save(row, person=None, name="Password", value="s" * 60_000, is_sensitive=True)
    load(SMALL.replace('"2"', '"3"'))
    assert vault.unseal(Variable.objects.get(name="Password").value) == "s" * 60_000


@pytest.mark.parametrize("name", ["Build", "Clean up", "Sweep", "Nightly"])
def test_a_name_can_come_in_other_capitals(name: str) -> None:
    load(SMALL)
    text = SMALL.replace(name, name.upper())
    assert load(text)
    assert documents.dump(transfer.export(Project.objects.get())).count(name) == 0
    assert load(text) == []


@pytest.mark.parametrize(
    "script", ["a\x85b\n", "a\u2028b\n", "a\r\nb\n", "a \n\tb\n\n", "\n x", "#\n"]
)
def test_a_script_with_unusual_ends_of_lines_stays_as_it_is(script: str) -> None:
    load(SMALL)
    Step.objects.filter(name="Build").update(script=script)
    text = documents.dump(transfer.export(Project.objects.get()))
    assert load(text) == []
    assert Step.objects.get(name="Build").script == script


def test_as_many_steps_as_there_may_be_can_all_give_way_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "MOST_STEPS", 3)

    def process(letter: str, count: int = 3) -> str:
        steps = "".join(f"  - {{name: {letter}{n}, script: x}}\n" for n in range(count))
        return f"format: 1\nproject: {{name: Shop, slug: shop}}\nprocess:\n{steps}"

    load(process("A"))
    load(process("B"))
    assert Step.objects.filter(name__startswith="B").count() == Step.objects.count() == 3
    with pytest.raises(BadDocument, match="Line 7, column 5: A process has 3 steps at most"):
        load(process("C", 4))
