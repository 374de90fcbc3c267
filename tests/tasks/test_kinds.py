import pytest
from django.contrib.auth.models import User

from tasks import kinds
from tests.tasks import zoo


def test_the_kinds_of_every_server_are_known_at_start() -> None:
    names = {kind.name for kind in kinds.all()}
    assert {"RunScript", "Retention", "SystemIntegrityCheck", "Health"} <= names


def test_a_kind_is_found_by_its_name(zoo_kinds: None) -> None:
    assert isinstance(kinds.get("Simple"), zoo.Simple)


def test_an_unknown_kind_is_named_and_a_long_one_cut() -> None:
    with pytest.raises(kinds.UnknownTaskKind, match="no task kind 'Nonsense'"):
        kinds.get("Nonsense")
    with pytest.raises(kinds.UnknownTaskKind) as caught:
        kinds.get("x" * 10_000)
    assert len(str(caught.value)) < 100


def test_two_kinds_of_one_name_are_refused(zoo_kinds: None) -> None:
    class Simple(kinds.TaskKind):
        name = "Simple"
        label = "Another"

    with pytest.raises(ValueError, match="Two task kinds"):
        kinds.register(Simple)
    kinds.register(zoo.Simple)  # the same again is none too many


def test_a_system_kind_must_be_safe_to_start_again() -> None:
    class Careless(kinds.TaskKind):
        name = "Careless"
        label = "Careless"
        is_system = True

    with pytest.raises(ValueError, match="must be idempotent"):
        kinds.register(Careless)


def test_people_are_offered_what_they_may_queue(
    deployer: User, viewer: User, zoo_kinds: None
) -> None:
    offered = {kind.name for kind in kinds.offered_to(deployer)}
    assert {"RunScript", "Simple"} <= offered
    assert not offered & {"ForNobody", "Retention", "Health", "SystemIntegrityCheck"}
    assert kinds.offered_to(viewer) == []


def test_a_system_kind_never_runs_beside_itself() -> None:
    for kind in kinds.system():
        assert kind.concurrency_key({}) == kind.name
