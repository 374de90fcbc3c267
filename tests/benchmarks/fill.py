"""Fill the tables of the queue by the engine itself, as a server that ran for years has them.

Of ten tasks nine are the system's, one is a person's, and one failed; all are completed. Each has a
log of ten lines, stored as one chunk, and the middle one a long log besides.
"""

from datetime import UTC, datetime

from django.db import connection

LINES_EACH = 10
LONG_LOG = 5000
CHUNK = 100
INCARNATION = "0123456789abcdef0123456789abcdef"
BATCH = 100_000

_TASKS = """
INSERT INTO tasks_servertask (kind, description, arguments, state, message, person_id, person_name,
  is_system, created, queue_time, queue_time_expiry, is_prioritized, node_id, node_name,
  incarnation, attempt, start_time, completed_time, cancel_requested_by)
WITH RECURSIVE n (i) AS (SELECT %(first)s UNION ALL SELECT i + 1 FROM n WHERE i < %(last)s)
SELECT CASE WHEN i %% 10 = 0 THEN 'RunScript' ELSE 'Health' END, 'Task of long ago', '{{}}',
  CASE WHEN i %% 10 = 5 THEN 'Failed' ELSE 'Success' END, '', %(person)s, 'someone', i %% 10 <> 0,
  {time}, {time}, {time}, FALSE, %(node)s, 'north', '{incarnation}', 1, {time}, {time}, ''
FROM n"""

_LOGS = """
INSERT INTO tasks_logchunk (task_id, first_line, line_count, started, text)
SELECT id, 1, %(lines)s, created, %(text)s FROM tasks_servertask
WHERE id BETWEEN %(first)s AND %(last)s"""

_LONG = """
INSERT INTO tasks_logchunk (task_id, first_line, line_count, started, text)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %(chunks)s - 1)
SELECT %(task)s, %(begin)s + i * %(lines)s, %(lines)s, {time}, %(text)s FROM n"""

_TIME = {
    "postgresql": "%(begun)s::timestamptz + i * interval '30 seconds'",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', %(begun)s, '+' || (i * 30) || ' seconds')",
}


def fill(tasks: int, *, person: int, node: int) -> int:
    """Add so many tasks with their logs; return the number of the one with the long log."""
    begun = datetime(2016, 1, 1, tzinfo=UTC)
    time = _TIME[connection.vendor]
    values = {
        "person": person,
        "node": node,
        "begun": begun if connection.vendor == "postgresql" else "2016-01-01 00:00:00",
    }
    with connection.cursor() as cursor:
        for first in range(1, tasks + 1, BATCH):
            part = {"first": first, "last": min(first + BATCH - 1, tasks)}
            cursor.execute(_TASKS.format(time=time, incarnation=INCARNATION), values | part)
        cursor.execute("SELECT min(id), max(id) FROM tasks_servertask WHERE node_id = %s", [node])
        lowest, highest = cursor.fetchone()
        for first in range(lowest, highest + 1, BATCH):
            last = min(first + BATCH - 1, highest)
            log = {"lines": LINES_EACH, "text": text(LINES_EACH)}
            cursor.execute(_LOGS, log | {"first": first, "last": last})
        long = (lowest + highest) // 20 * 10
        chunks = {"chunks": LONG_LOG // CHUNK, "lines": CHUNK, "text": text(CHUNK)}
        place = {"task": long, "begin": LINES_EACH + 1}
        cursor.execute(_LONG.format(time=time), values | chunks | place)
        if connection.vendor == "postgresql":  # as it does by itself; nothing does it on SQLite
            cursor.execute("ANALYZE")
    return int(long)


def text(lines: int) -> str:
    """Return a chunk's text."""
    return "\n".join(f"{number * 20} o line of a log, such as there are" for number in range(lines))
