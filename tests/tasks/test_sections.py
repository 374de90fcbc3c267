import pytest

from tasks import kinds, sections
from tasks.models import ServerTask, State
from tasks.sections import Section, Stretch
from tests.tasks import rows


def step(name: str, first: int | None, last: int | None = None, state: str = "Success") -> Section:
    return Section(name=name, state=state, first_line=first, last_line=last)


def test_a_log_without_steps_is_one_stretch() -> None:
    assert sections.cut([], total=7) == [Stretch(1, 7)]


def test_an_empty_log_has_no_stretch() -> None:
    assert sections.cut([step("a", 1)], total=0) == []


def test_what_stands_before_between_and_behind_steps_is_left_out_of_them() -> None:
    a, b = step("a", 3, 5), step("b", 8, 9)
    assert sections.cut([a, b], total=12) == [
        Stretch(1, 2), Stretch(3, 5, a), Stretch(6, 7), Stretch(8, 9, b), Stretch(10, 12),
    ]  # fmt: skip


def test_a_step_that_goes_on_has_all_that_comes() -> None:
    a = step("a", 3, state="Executing")
    assert sections.cut([a], total=100) == [Stretch(1, 2), Stretch(3, 100, a)]


def test_a_step_ends_where_the_next_begins_although_nobody_said_so() -> None:
    a, b = step("a", 1), step("b", 4)
    assert sections.cut([a, b], total=6) == [Stretch(1, 3, a), Stretch(4, 6, b)]


def test_a_step_whose_lines_are_not_stored_yet_is_not_there() -> None:
    assert sections.cut([step("a", 3, 9)], total=2) == [Stretch(1, 2)]


def test_a_step_that_wrote_nothing_is_not_there() -> None:
    waiting = step("later", None, state="Waiting")
    assert sections.cut([waiting], total=2) == [Stretch(1, 2)]


@pytest.mark.parametrize("total", range(1, 14))
def test_every_line_lies_in_exactly_one_stretch(total: int) -> None:
    found = sections.cut([step("a", 3, 5), step("b", 6), step("c", 10, 11)], total=total)
    numbers = [n for stretch in found for n in range(stretch.first, stretch.last + 1)]
    assert numbers == list(range(1, total + 1))


@pytest.mark.django_db
class TestOfATask:
    @pytest.fixture(autouse=True)
    def _sections(self, monkeypatch: pytest.MonkeyPatch) -> None:
        steps = [step("a", 1, 2), step("b", 3, state="Executing"), step("c", None, state="Waiting")]
        monkeypatch.setattr(kinds.TaskKind, "sections", lambda kind, task: steps)

    def test_are_those_of_its_kind(self) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        assert [each.state for each in sections.of(task)] == ["Success", "Executing", "Waiting"]

    def test_are_interrupted_where_the_task_ended_without_them(self) -> None:
        task = rows.ServerTaskFactory(state=State.FAILED)
        assert [each.state for each in sections.of(task)] == ["Success", "Interrupted", "Skipped"]

    def test_are_none_where_the_kind_is_gone(self) -> None:
        task: ServerTask = rows.ServerTaskFactory(state=State.FAILED, kind="Bygone")
        assert list(sections.of(task)) == []
