"""Receive a request's body before its transaction begins, and guard a response's after it ended."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from maintenance import readonly

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CHUNK = 64 * 1024


def receive(request: HttpRequest) -> None:
    """Read the whole body, so that a slow client holds no lock while it sends.

    A form is parsed, as Django would; anything else goes to memory, or to a temporary file beyond
    ``DATA_UPLOAD_MAX_MEMORY_SIZE``, from which the view reads it as it would have from the client.
    """
    if request.content_type in FORMS and request.method == "POST":
        request.POST  # noqa: B018 reading it is what parses the form
        return
    if hasattr(request, "_body") or getattr(request, "_read_started", False):
        return
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if limit is None or length <= limit:
        request.body  # noqa: B018 reading it is what receives it
        return
    spool: Any = tempfile.SpooledTemporaryFile(max_size=limit)  # noqa: SIM115
    for piece in iter(lambda: request._stream.read(CHUNK), b""):
        spool.write(piece)
    spool.seek(0)
    request._stream = spool


def guard(response: HttpResponseBase, alias: str) -> None:
    """Run a streamed body in a read-only transaction of its own, from its first chunk on."""
    streamed: Any = response
    if streamed.is_async:
        streamed.streaming_content = _read_only_async(streamed.streaming_content, alias)
    else:
        streamed.streaming_content = _read_only(streamed.streaming_content, alias)


def _read_only(chunks: Iterator[bytes], alias: str) -> Iterator[bytes]:
    with readonly.read_only(alias):
        yield from chunks


async def _read_only_async(chunks: AsyncIterator[bytes], alias: str) -> AsyncIterator[bytes]:
    block = readonly.read_only(alias)
    await sync_to_async(block.__enter__)()
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await sync_to_async(block.__exit__)(None, None, None)
