"""Any interleaving of enable, disable and changes keeps the barrier, statement by statement (G2).

The gate, the switch and the database are the real ones; only who makes the next statement is drawn.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from maintenance import barrier, gate, mode
from maintenance.models import MaintenanceMode
from tests.maintenance.actors import END, Actor, Crash, troupe

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = st.integers(0, 5)
# Some stop in the middle, some go through: what there is to do takes a dozen statements.
STATEMENTS = st.sampled_from([1, 1, 3, 24, 24, 24])
RARELY = st.sampled_from([False] * 9 + [True])


@dataclass(frozen=True)
class Person:
    """Somebody who has or has not the permission, without asking the database."""

    pk: int
    administrator: bool

    def has_perm(self, permission: str) -> bool:
        return self.administrator


def by_request(person: Person) -> Any:
    """Open a change as the middleware does."""
    return gate.admitted(person)


def by_check(person: Person) -> Any:
    """Open a change as the queue does for somebody outside a request."""
    return gate.Passage(checked(person), person=None)


class checked:  # noqa: N801 a context manager
    def __init__(self, person: Person) -> None:
        self.person = person
        self.block = transaction.atomic(durable=True)

    def __enter__(self) -> None:
        self.block.__enter__()
        try:
            gate.check(self.person)
        except BaseException as error:
            self.block.__exit__(type(error), error, error.__traceback__)
            raise

    def __exit__(self, *args: Any) -> None:
        self.block.__exit__(*args)


def reading_before_locking(person: Person) -> Any:
    """A gate that is wrong: what it has read may be old when it gets the lock."""
    if mode.is_enabled() and not person.administrator:
        raise gate.InMaintenanceMode(None)
    passage = gate.unchecked(person)
    try:
        barrier.of("default").enter()
    except BaseException:
        passage.close(failed=True)
        raise
    return passage


def look() -> tuple[int, bool, dict[str, int]]:
    """Return the mode's generation, whether it is on, and what has committed, at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generation, is_enabled,"
            " (SELECT count(*) FROM auth_group WHERE name LIKE 'model people%'),"
            " (SELECT count(*) FROM auth_group WHERE name LIKE 'model administrators%')"
            " FROM maintenance_maintenancemode"
        )
        generation, is_enabled, people, administrators = cursor.fetchone()
    return generation, bool(is_enabled), {"people": people, "administrators": administrators}


class Switching(RuleBasedStateMachine):
    """Two people and two switchers; ``closed`` is what people had written when the mode closed."""

    actors: ClassVar[Sequence[Actor]] = ()
    ways: ClassVar[Sequence[Callable[[Person], Any]]] = (by_request, by_check)
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        half = len(self.actors) // 2
        self.people, self.switchers = self.actors[:half], self.actors[half:]
        self.closed: tuple[int, int] | None = None
        self.written = {"people": 0, "administrators": 0}
        self.names = 0
        self.is_set_up = False
        self.slice = barrier.SLICE

    @initialize(patient=st.booleans())
    def set_up(self, patient: bool) -> None:
        """A switcher queues for the exclusive side, or looks again and again."""
        barrier.SLICE = 60.0 if patient else 0.001
        for actor in self.actors:
            actor.impatient = "" if patient else "pg_advisory_xact_lock("
        mode.enable()  # there is a row
        mode.disable()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM auth_group WHERE name LIKE 'model %%'")
        self.is_set_up = True

    # Rules

    @precondition(lambda self: any(one.is_idle for one in self.people))
    @rule(
        number=NUMBERS,
        administrator=st.sampled_from([False, False, True]),
        way=NUMBERS,
        statements=STATEMENTS,
    )
    def begin_change(self, number: int, administrator: bool, way: int, statements: int) -> None:
        person = Person(number, administrator)
        self.names += 1
        name = f"model {'administrators' if administrator else 'people'} {self.names}"
        enter = self.ways[way % len(self.ways)]
        actor = pick(self.people, number, lambda one: one.is_idle)
        actor.start(lambda actor: change(actor, enter, person, name), administrator=administrator)
        self.advance(actor, statements)

    @precondition(lambda self: any(one.is_idle for one in self.switchers))
    @rule(number=NUMBERS, again=RARELY, statements=STATEMENTS)
    def begin_switch(self, number: int, again: bool, statements: int) -> None:
        actor = pick(self.switchers, number, lambda one: one.is_idle)
        actor.start(enable if mode.is_enabled() is again else disable)
        self.advance(actor, statements)

    @precondition(lambda self: not all(one.is_idle for one in self.actors))
    @rule(number=NUMBERS, crashes=RARELY, statements=STATEMENTS, fails=RARELY)
    def go_on(self, number: int, crashes: bool, statements: int, fails: bool) -> None:
        actor = pick(self.actors, number, lambda one: not one.is_idle)
        if crashes:
            actor.crash()
        elif actor.at == END:
            actor.facts["commits"] = not fails
            actor.step()
        self.advance(actor, statements)

    def advance(self, actor: Actor, statements: int) -> None:
        """Have somebody make so many statements, as far as there are any to make."""
        self.settle(actor)
        for _ in range(statements):
            if actor.can_step:
                actor.step()
                self.settle(actor)

    # What must hold

    def settle(self, actor: Actor) -> None:
        """Take note of whatever has ended by this step."""
        ended = [actor]
        for other in self.actors:
            if other.is_blocked:
                other.look()
                ended.append(other)
        for one in ended:
            if one.is_idle and one.outcome is not None:
                outcome, one.outcome = one.outcome, None
                self.judge(one, outcome)

    def judge(self, actor: Actor, outcome: Any) -> None:
        self.seen[outcome if isinstance(outcome, str) else type(outcome).__name__] += 1
        if outcome == "committed":
            who = "administrators" if actor.facts["administrator"] else "people"
            self.written[who] += 1
        elif isinstance(outcome, mode.Switch):
            self.judge_switch(outcome)
        elif isinstance(outcome, gate.InMaintenanceMode):
            assert not actor.facts["administrator"], "administrators are never refused"
        elif isinstance(outcome, OperationalError):
            assert connection.vendor == "sqlite", outcome  # another has the one write lock
            assert "locked" in str(outcome)
        else:
            assert outcome == "rolled back" or isinstance(outcome, Crash), repr(outcome)

    def judge_switch(self, switch: mode.Switch) -> None:
        if switch.enabled and switch.settled:
            generation, is_enabled, written = look()
            assert is_enabled, "enable says that the mode is on, and it is not"
            let_in = [one.name for one in self.people if is_let_in(one)]
            assert let_in == [], f"enable has returned and {let_in} may still commit"
            self.closed = (generation, written["people"])
            self.seen["closed"] += 1

    @invariant()
    def nothing_commits_while_it_is_closed(self) -> None:
        if not self.is_set_up:
            return
        generation, _, written = look()
        assert written == self.written
        if self.closed is not None and self.closed[0] != generation:
            self.closed = None
        if self.closed is not None:
            assert written["people"] == self.closed[1], "a change committed after enable returned"

    def teardown(self) -> None:
        """Nobody waits for ever: when the changes are over, every switch comes to an end."""
        try:
            for actor in (*self.people, *self.switchers, *self.people):
                for _ in range(200):
                    if actor.at is None:
                        break
                    actor.facts["commits"] = False
                    actor.step()
            for actor in self.actors:
                actor.look()
                for _ in range(200):
                    if actor.at is not None:
                        actor.step()
                assert actor.is_idle, f"{actor.name} waits at {actor.at}"
        finally:
            barrier.SLICE = self.slice


def pick(actors: Sequence[Actor], number: int, able: Callable[[Actor], bool]) -> Actor:
    """Return one of those who can."""
    found = [actor for actor in actors if able(actor)]
    return found[number % len(found)]


def is_let_in(actor: Actor) -> bool:
    """Whether somebody who is no administrator is past the gate and has not ended."""
    return not actor.is_idle and not actor.facts["administrator"] and "let in" in actor.facts


def change(actor: Actor, enter: Callable[[Person], Any], person: Person, name: str) -> str:
    passage = enter(person)
    actor.facts["let in"] = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO auth_group (name) VALUES (%s)", [name])
        actor.pause(END)
    except BaseException:
        passage.close(failed=True)
        raise
    passage.close(failed=not actor.facts["commits"])
    return "committed" if actor.facts["commits"] else "rolled back"


def enable(actor: Actor) -> mode.Switch:
    # On SQLite another's write lock would be waited for by sleeping, which cannot be stepped.
    return mode.enable(timeout=3600 if connection.vendor == "postgresql" else 0, name=actor.name)


def disable(actor: Actor) -> mode.Switch:
    return mode.disable(name=actor.name)


@pytest.fixture
def actors(settings: Any) -> Iterator[list[Actor]]:
    settings.MAINTENANCE_SWITCH_TIMEOUT = 3600 if connection.vendor == "postgresql" else 0
    with troupe("Paul", "Petra", "Sam", "Sue") as found:
        yield found
    MaintenanceMode.objects.update(is_enabled=False)


def test_g2_every_interleaving_keeps_the_barrier(actors: list[Actor]) -> None:
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        type("Machine", (Switching,), {"actors": actors, "seen": seen}),
        settings=settings(
            max_examples=12,
            stateful_step_count=120,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # to shorten what failed would take minutes
        ),
    )
    # It went through everything that it is about.
    assert {"committed", "rolled back", "InMaintenanceMode", "Crash", "closed"} <= set(seen), seen


def test_a_gate_that_reads_before_it_locks_is_caught(actors: list[Actor]) -> None:
    """An order of statements that the search comes upon too, only not in so short a time."""
    machine = type("Machine", (Switching,), {"actors": actors, "ways": [reading_before_locking]})()
    machine.set_up(patient=False)
    machine.begin_change(number=0, administrator=False, way=0, statements=1)
    machine.begin_switch(number=0, again=False, statements=24)
    machine.go_on(number=0, crashes=False, statements=24, fails=False)
    machine.go_on(number=0, crashes=False, statements=24, fails=False)
    with pytest.raises(AssertionError, match="a change committed after enable returned"):
        machine.nothing_commits_while_it_is_closed()
