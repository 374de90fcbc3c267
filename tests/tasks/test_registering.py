"""A worker that cannot become a server node ends, instead of running as none."""

import pytest
from django.db import OperationalError, connection

from tasks import celery_signals


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_just_then_ends_the_worker_with_a_sentence() -> None:
    def fail(*args: object) -> None:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(fail), pytest.raises(SystemExit, match="connection is lost"):
        celery_signals.register()
