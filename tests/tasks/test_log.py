import pytest
from pytest_django import Settings

from tasks import clock, conf, log, logwriter
from tasks.logwriter import LogWriter
from tasks.models import LogChunk, ServerTask, State
from tests.tasks.rows import ServerTaskFactory, write_log

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> ServerTask:
    return ServerTaskFactory(state=State.EXECUTING)


@pytest.fixture
def writer(task: ServerTask) -> LogWriter:
    return LogWriter(task, now=clock.now())


def texts(task: ServerTask) -> list[str]:
    return [line.text for line in log.lines(task, limit=10**6)]


def stored(writer: LogWriter) -> list[str]:
    LogChunk.objects.bulk_create(writer.close())
    return texts(writer.task)


def test_lines_come_back_in_order_with_numbers_times_and_categories(
    task: ServerTask, writer: LogWriter
) -> None:
    before = clock.now()
    writer.info("first")
    writer.warning("second")
    writer.flush()
    writer.error("third\nfourth")
    writer.output(b"fifth\n")
    writer.flush()

    lines = log.lines(task)

    assert [(line.number, line.category, line.text) for line in lines] == [
        (1, log.INFO, "first"),
        (2, log.WARNING, "second"),
        (3, log.ERROR, "third"),
        (4, log.ERROR, "fourth"),
        (5, log.OUTPUT, "fifth"),
    ]
    assert all(abs((line.time - before).total_seconds()) < 5 for line in lines)
    assert log.line_count(task) == 5


@pytest.mark.parametrize("after", range(7))
def test_a_reader_goes_on_behind_any_line(task: ServerTask, after: int) -> None:
    write_log(task, "1", "2", "3")
    write_log(task, "4", first=4)
    write_log(task, "5", "6", first=5)
    assert [line.text for line in log.lines(task, after=after)] == list("123456")[after:]
    assert [line.text for line in log.lines(task, after=after, limit=2)] == list("123456")[
        after : after + 2
    ]


def test_the_log_of_another_task_is_another(task: ServerTask) -> None:
    write_log(ServerTaskFactory(), "not this")
    assert log.lines(task) == []
    assert log.line_count(task) == 0


def test_the_raw_log_is_all_of_it(task: ServerTask) -> None:
    write_log(task, "one", "two")
    write_log(task, "three", first=3)
    raw = "".join(log.raw(task)).splitlines()
    assert [line.rpartition(" ")[2] for line in raw] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntw", b"o\nthree"], ["one", "two", "three"]),
        ([b"\n", b"\n"], ["", ""]),
        ([b"a\r\nb\r", b"\nc\n"], ["a", "b", "c"]),
        ([b"10%\r20%\r", b"30%\n"], ["10%", "20%", "30%"]),
        ([b"\xe2\x82", b"\xac\n"], ["€"]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"a\0b\n"], ["a\u2400b"]),
        ([b"half \xe2\x82"], ["half \ufffd"]),
        (["a\u2028b\n".encode(), b"c\x0bd\n"], ["a\u2028b", "c\x0bd"]),
        ([b""], []),
    ],
)
def test_q8_output_in_pieces_makes_whole_lines(
    writer: LogWriter, pieces: list[bytes], lines: list[str]
) -> None:
    for piece in pieces:
        writer.output(piece)
    assert stored(writer) == lines


def test_an_endless_line_is_broken_and_nothing_of_it_lost(writer: LogWriter) -> None:
    writer.output(b"x" * (logwriter.LONGEST_LINE * 2 + 5))
    writer.output(b"y\n")
    parts = stored(writer)
    assert "".join(parts) == "x" * (logwriter.LONGEST_LINE * 2 + 5) + "y"
    assert max(map(len, parts)) <= logwriter.LONGEST_LINE


def test_a_long_line_among_short_ones_is_broken_too(writer: LogWriter) -> None:
    long = b"x" * (logwriter.LONGEST_LINE + 1)
    writer.output(b"a\n" + long + b"\nb\n")
    assert [len(part) for part in stored(writer)] == [1, logwriter.LONGEST_LINE, 1, 1]


def test_q8_a_flood_is_cut_and_the_log_says_so(task: ServerTask, settings: Settings) -> None:
    settings.TASK_LOG_LIMIT = 1000
    writer = LogWriter(task, now=clock.now())
    for number in range(200):
        writer.output(f"line {number}\n".encode())
    writer.info("The script ended.")

    lines = stored(writer)

    assert lines[:2] == ["line 0", "line 1"]
    assert sum(line.startswith("line ") for line in lines) < 150
    assert sum("The log is cut here" in line for line in lines) == 1
    assert lines[-2] == "The script ended."
    assert "bytes of output are left out" in lines[-1]


def test_q8_what_is_left_out_of_a_flood_is_counted_to_the_byte(
    task: ServerTask, settings: Settings
) -> None:
    settings.TASK_LOG_LIMIT = 1000
    writer = LogWriter(task, now=clock.now())
    for _ in range(10):
        writer.output(b"x" * 499 + b"\n")
    assert stored(writer)[-1] == f"{10 * 500 - 1000:,} bytes of output are left out of this log."


def test_what_is_long_is_stored_in_chunks(writer: LogWriter) -> None:
    lines = [f"a line with the number {number}" for number in range(5000)]
    for start in range(0, 5000, 100):
        writer.output("\n".join(lines[start : start + 100]).encode() + b"\n")
    assert stored(writer) == lines
    assert LogChunk.objects.count() >= 4


def test_storing_twice_what_was_stored_makes_no_second_copy(
    task: ServerTask, writer: LogWriter
) -> None:
    writer.info("once")
    chunks = writer.close()
    LogChunk.objects.bulk_create(chunks, ignore_conflicts=True)
    LogChunk.objects.bulk_create(chunks, ignore_conflicts=True)
    assert texts(task) == ["once"]


def test_the_server_adds_a_line_behind_the_last(task: ServerTask) -> None:
    write_log(task, "one", "two")
    log.append(task, "three\nin one line")
    assert texts(task) == ["one", "two", "three in one line"]


def test_the_limit_is_ten_mebibytes_unless_set() -> None:
    assert conf.log_limit() == 10 * 1024 * 1024


def test_a_worker_that_was_stopped_writes_nothing_into_a_log_that_went_on_without_it(
    task: ServerTask, writer: LogWriter, settings: Settings
) -> None:
    """Its lines would take the places of others, or leave gaps between them."""
    writer.info("first")
    writer.flush()
    writer.output(b"what nobody will read\n" * 5)
    ServerTask.objects.update(state=State.QUEUED, incarnation=None)
    log.append(task, "It starts again.")

    settings.TASK_NODE_SILENCE = -1  # any time is longer
    writer.flush()
    writer.info("nor this")
    writer.flush()

    assert texts(task) == ["first", "It starts again."]


def test_what_was_quiet_for_long_is_written_all_the_same(
    task: ServerTask, writer: LogWriter, settings: Settings
) -> None:
    settings.TASK_NODE_SILENCE = -1
    writer.info("at last")
    writer.flush()
    assert texts(task) == ["at last"]
