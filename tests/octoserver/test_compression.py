"""Pages come compressed to whoever takes it; downloads do not."""

import gzip

import pytest
from django.contrib.auth.models import User

from tasks import log
from tests.conftest import ClientFor
from tests.tasks import rows

pytestmark = pytest.mark.django_db
TAKES_IT = {"Accept-Encoding": "gzip"}


def test_a_page_is_compressed_for_who_takes_it(client_for: ClientFor, viewer: User) -> None:
    rows.many(20)
    client = client_for(viewer)
    plain, answer = client.get("/tasks/"), client.get("/tasks/", headers=TAKES_IT)
    assert "Content-Encoding" not in plain.headers
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(answer.content) * 3 < len(plain.content)
    assert b"ServerTasks-" in gzip.decompress(answer.content)


def test_a_download_is_left_as_it_is(client_for: ClientFor, viewer: User) -> None:
    task = rows.ServerTaskFactory()
    log.append(task, "a line " * 100)
    answer = client_for(viewer).get(f"{task.get_absolute_url()}log/raw/", headers=TAKES_IT)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
    assert b"a line" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
