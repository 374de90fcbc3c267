"""Which value a variable has where, and which variables are refused."""

import pytest
from django.test import override_settings

from octoserver.deployments import resolving, snapshots, variables, vault
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Variable
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
    with pytest.raises(Refused, match="B refers to it"):
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
