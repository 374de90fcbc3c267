"""Serve each stylesheet in one piece: what it imports and its small pictures are put into it.

In ``static/css`` the look lies in files of a few pages each, and a stylesheet such as ``site.css``
imports them. A browser would ask for each, one after another. ``collectstatic`` puts their text in
its place, before names are hashed and files are compressed; without it, with ``DEBUG``, the imports
do the same more slowly.
"""

import base64
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Of a file in the same folder, so that addresses in it mean the same in the one that imports it.
IMPORT = re.compile(r"""^@import\s+url\((["']?)(?P<name>[\w.-]+\.css)\1\)\s*;""", re.MULTILINE)
PICTURE = re.compile(r"""url\((["']?)(?P<name>(?:\.\./)?[\w./-]+\.svg)\1\)""")
# A request costs more than these bytes do.
SMALL_PICTURE = 1024
OURS = "css/"

Paths = dict[str, tuple[Storage, str]]


@dataclass(frozen=True)
class OnePiece:
    """A place of files that gives one stylesheet with its parts in it."""

    name: str
    paths: Paths

    def open(self, path: str) -> "ContentFile[bytes]":
        return ContentFile(whole(self.name, self.paths).encode())


class SiteStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed files, as WhiteNoise makes them, of stylesheets in one piece."""

    def post_process(self, paths: Paths, *args: Any, **options: Any) -> Iterator[Any]:
        pieces = {
            name: (OnePiece(name, paths), path) if name.startswith(OURS) else (storage, path)
            for name, (storage, path) in paths.items()
        }
        return super().post_process(pieces, *args, **options)  # type: ignore[no-any-return]


def whole(name: str, paths: Paths) -> str:
    """Return the text of a stylesheet with its imports and its small pictures in it."""
    folder = posixpath.dirname(name)

    def imported(found: re.Match[str]) -> str:
        return whole(posixpath.join(folder, found["name"]), paths)

    def pictured(found: re.Match[str]) -> str:
        picture = read(posixpath.normpath(posixpath.join(folder, found["name"])), paths)
        if len(picture) > SMALL_PICTURE:
            return found[0]
        return f'url("data:image/svg+xml;base64,{base64.b64encode(picture).decode()}")'

    return PICTURE.sub(pictured, IMPORT.sub(imported, read(name, paths).decode()))


def read(name: str, paths: Paths) -> bytes:
    """Return a collected file; ``ValueError`` if there is none of that name."""
    if name not in paths:
        raise ValueError(f"A stylesheet names {name}, which is not there.")
    storage, path = paths[name]
    with storage.open(path) as file:
        return bytes(file.read())
