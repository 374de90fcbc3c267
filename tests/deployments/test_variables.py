"""Which value a variable has where, and which variables are refused."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from octoserver.deployments import (
    deployments,
    documents,
    processes,
    resolving,
    snapshots,
    transfer,
    variables,
    vault,
)
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Variable
from tests.conftest import ClientFor
from tests.deployments import rows

pytestmark = pytest.mark.django_db


def value(shop: Project, place: Environment, step: str | None = None, name: str = "X") -> str:
    found = resolving.resolve(
        snapshots.of_variables(shop),
        environment=place.pk,
        step=step,
        given={"Octopus.Step.Name": "B"},
    )
    return found[name].shown


SCOPES = [
    # everywhere, environment, step, both: which of them are there, and which one wins
    ("E", "E"),
    ("EP", "P"),
    ("ES", "S"),
    ("EPS", "S"),
    ("EPSB", "B"),
    ("PS", "S"),
    ("SB", "B"),
]


@pytest.mark.parametrize(("there", "winner"), SCOPES)
def test_the_most_specific_scope_wins(
    there: str, winner: str, shop: Project, places: list[Environment]
) -> None:
    step = rows.step(shop)
    scopes = {
        "E": {},
        "P": {"environments": [places[2]]},
        "S": {"steps": [step]},
        "B": {"environments": [places[2]], "steps": [step]},
    }
    for letter in there:
        rows.variable(shop, "X", letter, **scopes[letter])
    assert value(shop, places[2], "Build") == winner


def test_a_scope_that_does_not_match_counts_for_nothing(
    shop: Project, places: list[Environment]
) -> None:
    rows.variable(shop, "X", "all")
    rows.variable(shop, "X", "production", environments=[places[2]])
    assert [value(shop, place) for place in places] == ["all", "all", "production"]


def test_references_are_followed_and_doubled_hashes_are_not(
    shop: Project, places: list[Environment]
) -> None:
    rows.variable(shop, "Host", "shop.example.com")
    rows.variable(shop, "X", "https://#{Host}/ ##{Host} #{Octopus.Step.Name}")
    assert value(shop, places[0]) == "https://shop.example.com/ #{Host} B"


def test_what_refers_to_a_sensitive_variable_is_sensitive(
    shop: Project, places: list[Environment]
) -> None:
    rows.variable(shop, "Password", "correct-horse", is_sensitive=True)
    rows.variable(shop, "X", "user:#{Password}")
    assert value(shop, places[0]) == "********"


def test_a_sensitive_value_is_taken_as_it_is(shop: Project, places: list[Environment]) -> None:
    rows.variable(shop, "X", "pa#{ss}word", is_sensitive=True)
    found = resolving.resolve(snapshots.of_variables(shop), environment=places[0].pk, reveal=True)
    assert found["X"].value == "pa#{ss}word"


@pytest.mark.parametrize(
    ("name", "text", "field", "words"),
    [
        ("X", "#{Nothing}", "value", "#{Nothing}, which there is not"),
        ("X", "#{X}", "value", "X → X"),
        ("X", "#{Octopus.Action[Gone].Output.Y}", "value", "which there is not"),
        ("1X", "a", "name", "begins with a letter"),
        ("X Y", "a", "name", "letters, digits"),
        ("PATH", "a", "name", "reserved"),
        ("LD_PRELOAD", "a", "name", "reserved"),
        ("Octopus.Release.Number", "a", "name", "reserved"),
        ("X", "a\0b", "value", "NUL"),
        ("X", "a" * 70_000, "value", "64 KiB"),
    ],
)
def test_what_could_not_work_is_refused_at_its_field(
    shop: Project, name: str, text: str, field: str, words: str
) -> None:
    with pytest.raises(Refused, match=r".") as refusal:
        rows.variable(shop, name, text)
    assert refusal.value.field == field
    assert words in str(refusal.value)
    assert not Variable.objects.exists()


def test_a_circle_of_several_is_refused_and_named(shop: Project) -> None:
    first = rows.variable(shop, "A", "1")
    rows.variable(shop, "B", "#{A}")
    rows.variable(shop, "C", "#{B}")
    with pytest.raises(Refused, match="A → C → B → A"):
        variables.save(first, person=None, name="A", value="#{C}", is_sensitive=False)
    first.refresh_from_db()
    assert first.value == "1"


def test_two_values_that_are_equally_specific_are_refused(
    shop: Project, places: list[Environment]
) -> None:
    rows.variable(shop, "X", "1", environments=places[:2])
    with pytest.raises(Refused, match="neither is more specific"):
        rows.variable(shop, "X", "2", environments=places[1:])


def test_names_that_a_shell_could_not_tell_apart_are_refused(shop: Project) -> None:
    rows.variable(shop, "Site.Title", "1")
    with pytest.raises(Refused, match="the same in a step's environment"):
        rows.variable(shop, "Site_Title", "2")


def test_a_variable_that_another_needs_stays(shop: Project) -> None:
    needed = rows.variable(shop, "A", "1")
    rows.variable(shop, "B", "#{A}")
    with pytest.raises(Refused, match="B refers to A"):
        variables.delete(needed, person=None)


def test_a_sensitive_value_too_short_to_be_masked_is_refused(shop: Project) -> None:
    with pytest.raises(Refused, match="4 characters at least"):
        rows.variable(shop, "X", "abc", is_sensitive=True)


def test_a_sensitive_value_is_kept_when_none_is_given(shop: Project) -> None:
    row = rows.variable(shop, "X", "correct-horse", is_sensitive=True)
    variables.save(row, person=None, name="Y", value=None, is_sensitive=True)
    row.refresh_from_db()
    assert (row.name, vault.unseal(row.value)) == ("Y", "correct-horse")


def test_a_sensitive_variable_cannot_be_laid_open_without_a_new_value(shop: Project) -> None:
    row = rows.variable(shop, "X", "correct-horse", is_sensitive=True)
    with pytest.raises(Refused, match="A value is needed"):
        variables.save(row, person=None, name="X", value=None, is_sensitive=False)


def test_a_new_key_in_front_reads_what_the_old_one_sealed() -> None:
    token = vault.seal("correct-horse")
    with override_settings(VARIABLES_KEYS=["new", "only-for-tests-too"]):
        assert vault.unseal(token) == "correct-horse"
        fresh = vault.seal("correct-horse")
    with pytest.raises(vault.Unreadable):
        vault.unseal(fresh)


def test_a_file_of_the_database_holds_no_sensitive_value(shop: Project) -> None:
    row = rows.variable(shop, "X", "correct-horse", is_sensitive=True)
    row.refresh_from_db()
    assert "correct-horse" not in row.value


def test_a_variable_that_another_needs_keeps_its_name(shop: Project) -> None:
    needed = rows.variable(shop, "A", "1")
    rows.variable(shop, "B", "#{A}")
    with pytest.raises(Refused, match="B refers to A"):
        variables.save(needed, person=None, name="C", value="1", is_sensitive=False)
    needed.refresh_from_db()
    assert needed.name == "A"


@pytest.mark.parametrize("act", ["rename", "delete"])
def test_a_step_whose_output_a_variable_needs_keeps_its_name(shop: Project, act: str) -> None:
    build = rows.step(shop)
    rows.variable(shop, "Mark", "#{Octopus.Action[Build].Output.Mark}")
    fields: dict[str, Any] = {"shell": "sh", "script": "x", "time_limit": 5, "retries": 0}
    change: Callable[[], Any] = partial(
        processes.save, build, person=None, name="Make", condition="success", **fields
    )
    if act == "delete":
        change = partial(processes.delete, build, person=None)
    with pytest.raises(Refused, match="Mark refers to an output of Build"):
        change()
    assert shop.steps.get().name == "Build"


def test_values_that_would_fill_the_memory_are_refused_before_they_do(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    rows.variable(shop, "L0", "x" * 60_000)
    for level in range(1, 6):
        rows.variable(shop, f"L{level}", f"#{{L{level - 1}}}" * 10_000)
    release = rows.release(shop)
    with pytest.raises(Refused, match="L1 comes to more than 64 KiB"):
        deployments.deploy(release, places[0], person=None)


def test_a_long_chain_of_references_is_refused_and_not_followed_to_its_end(
    shop: Project, places: list[Environment], client_for: ClientFor, viewer: User
) -> None:
    rows.step(shop)
    chain = [f'{{name: V{n}, value: "#{{V{n + 1}}}"}}' for n in range(400)]
    text = "\n".join(f"  - {line}" for line in [*chain, '{name: V400, value: "end"}'])
    head = "format: 1\nproject: {name: Shop, slug: shop}\nprocess:\n  - {name: A, script: x}\n"
    document = f"{head}variables:\n{text}\n"
    transfer.carry_out(documents.load(document.encode()))
    with pytest.raises(Refused, match="leads along more than 50 references"):
        deployments.deploy(rows.release(shop), places[0], person=None)
    page = client_for(viewer).get(f"/projects/{shop.slug}/variables/")
    assert "leads along more than 50 references" in page.content.decode()


def test_more_than_a_process_can_be_given_is_refused(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop)
    for number in range(20):
        rows.variable(shop, f"V{number}", "x" * 60_000)
    with pytest.raises(Refused, match="makes them all together larger"):
        deployments.deploy(rows.release(shop), places[0], person=None)
