from django.db import migrations

# Completes runs, stores the ends of their logs, and takes the best ready tasks one after the other,
# each the next of its lane at that moment: prioritized ones first, then by their time. The first
# row that it returns says which runs were completed; each of the others is a task that was taken.
#
# Its settings keep every statement on an index whatever the statistics say: its plans are kept for
# as long as a connection is open, and may have been made when the tables were empty. The lock comes
# before it looks at drains and pauses, so that whoever waits for it to go (tasks.settling) has seen
# the claim end. To append nothing to the state of a run's row would let the plan take an index that
# is full of the dead versions of such rows.
CREATE = """
CREATE FUNCTION tasks_turn_over(
  on_node bigint, with_mark uuid, with_name text, at timestamptz,
  people int, system int, most int,
  ids bigint[], marks uuid[], attempts int[], states text[], messages text[],
  chunk_tasks bigint[], first_lines int[], line_counts int[], starts timestamptz[], texts text[]
) RETURNS TABLE (done bigint[], task tasks_servertask)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $$
DECLARE
  moment CONSTANT timestamptz := COALESCE(at, STATEMENT_TIMESTAMP());
  of_system boolean;
  room int;
  best bigint;
BEGIN
  LOCK TABLE tasks_servertask IN ROW EXCLUSIVE MODE;
  IF CARDINALITY(ids) > 0 THEN
    WITH ended AS (
      UPDATE tasks_servertask t
      SET state = run.state, message = run.message, completed_time = moment
      FROM UNNEST(ids, marks, attempts, states, messages)
        AS run (id, incarnation, attempt, state, message)
      WHERE t.id = run.id AND t.incarnation = run.incarnation AND t.attempt = run.attempt
        AND t.state || '' IN ('Executing', 'Cancelling')
      RETURNING t.id)
    SELECT ARRAY_AGG(ended.id) INTO done FROM ended;
    INSERT INTO tasks_logchunk (task_id, first_line, line_count, started, text)
    SELECT chunk.*
    FROM UNNEST(chunk_tasks, first_lines, line_counts, starts, texts)
      AS chunk (task_id, first_line, line_count, started, text)
    WHERE chunk.task_id = ANY (done)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NEXT;
  done := NULL;
  FOREACH of_system IN ARRAY ARRAY[FALSE, TRUE] LOOP
    room := CASE WHEN of_system THEN system ELSE people END;
    WHILE room > 0 AND most > 0 LOOP
      best := COALESCE((%(prioritized)s), (%(others)s));
      EXIT WHEN best IS NULL;
      UPDATE tasks_servertask t
      SET state = 'Executing', node_id = on_node, node_name = with_name,
        incarnation = with_mark, start_time = moment, attempt = t.attempt + 1, message = ''
      WHERE t.id = best AND EXISTS (
        SELECT 1 FROM tasks_servernode node
        WHERE node.id = on_node AND node.incarnation = with_mark AND NOT node.is_draining)
      RETURNING t.* INTO task;
      EXIT WHEN NOT FOUND;
      RETURN NEXT;
      room := room - 1;
      most := most - 1;
    END LOOP;
  END LOOP;
END $$
"""

BEST = """
        SELECT candidate.id FROM tasks_servertask candidate
        WHERE candidate.state = 'Queued' AND candidate.is_system = of_system
          AND candidate.is_prioritized = {prioritized}
          AND candidate.queue_time <= moment AND candidate.queue_time_expiry > moment
          AND (candidate.concurrency_key IS NULL OR NOT EXISTS (
            SELECT 1 FROM tasks_servertask rival
            WHERE rival.concurrency_key = candidate.concurrency_key
              AND rival.state IN ('Executing', 'Cancelling')))
          AND (of_system OR NOT EXISTS (
            SELECT 1 FROM tasks_queuepause pause WHERE pause.id = 1 AND pause.is_paused))
        ORDER BY candidate.queue_time, candidate.id LIMIT 1 FOR UPDATE SKIP LOCKED"""

DROP = "DROP FUNCTION tasks_turn_over"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        parts = {"prioritized": BEST.format(prioritized="TRUE")}
        parts["others"] = BEST.format(prioritized="FALSE")
        schema_editor.execute(CREATE % parts)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0004_outages"),
    ]

    operations = [
        migrations.RunPython(create, drop),
    ]
