"""An instance of its own for each test, in each of the shapes that the server runs in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server import environment
from tests.integration.shapes import SHAPES, Shape


@pytest.fixture(params=SHAPES)
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment of an instance of its own, in each shape."""
    shape: Shape = request.param
    with shape.environment(tmp_path) as variables:
        yield environment(tmp_path, **variables)
