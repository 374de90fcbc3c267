"""A project with three environments, for the tests of deployments."""

import pytest

from octoserver.deployments.models import Environment, Project
from tests.deployments import rows


@pytest.fixture
def places(db: None) -> list[Environment]:
    """Development, Staging, Production, in this order."""
    return [rows.environment(name) for name in ("Development", "Staging", "Production")]


@pytest.fixture
def shop(db: None) -> Project:
    return rows.project()
