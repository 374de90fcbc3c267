"""Versions by Semantic Versioning 2.0.0: which texts are some, in which order, and what is next."""

import pytest

from octoserver.deployments import semver


@pytest.mark.parametrize(
    "text",
    ["0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7", "1.0.0-x-y.z.1",
     "1.0.0+20130313144700", "1.0.0-beta+exp.sha-5114f85", "1.0.0-0a", "1.0.0--"],
)  # fmt: skip
def test_these_are_versions(text: str) -> None:
    assert semver.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.02.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b",
     "1.2.3+", "1.2.3 ", "1.2.3\n", "-1.2.3", "1.2.x", "1.2.3-ü", "\u0661.2.3", "1.2.3+a+b",
     "9" * 40 + ".0.0"],
)  # fmt: skip
def test_these_are_none(text: str) -> None:
    with pytest.raises(semver.NotAVersion):
        semver.parse(text)


def test_the_order_is_that_of_the_standard() -> None:
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "1.10.0", "2.0.0",
    ]  # fmt: skip
    assert sorted(set(ordered), key=semver.parse) == ordered


def test_build_metadata_does_not_count() -> None:
    assert semver.parse("1.0.0+a") == semver.parse("1.0.0+b")


@pytest.mark.parametrize(
    ("text", "following"), [("1.2.3", "1.2.4"), ("1.3.0-beta.1", "1.3.0"), ("0.0.9", "0.0.10")]
)
def test_the_next_version(text: str, following: str) -> None:
    assert semver.parse(text).next == following
