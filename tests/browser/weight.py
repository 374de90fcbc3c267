"""What a page costs a browser, by the browser's own performance API."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

MEASURE = """
async () => {
  if (document.readyState !== "complete") {
    await new Promise((done) => addEventListener("load", done));
  }
  const paints = () => performance.getEntriesByName("first-contentful-paint");
  while (!paints().length) await new Promise((done) => setTimeout(done, 10));
  const [page] = performance.getEntriesByType("navigation");
  const parts = performance.getEntriesByType("resource")
    .filter((one) => one.startTime < page.loadEventEnd);
  const tell = (one) => ({
    address: one.name, kind: one.initiatorType, bytes: one.transferSize,
    blocks: one.renderBlockingStatus === "blocking",
  });
  return {
    page: tell(page), parts: parts.map(tell),
    server: page.responseStart - page.requestStart,
    painted: paints()[0].startTime, ready: page.domContentLoadedEventEnd,
  };
}
"""


@dataclass(frozen=True)
class Weight:
    """One load of a page: its parts, and milliseconds from the start of the navigation."""

    page: dict[str, Any]
    parts: list[dict[str, Any]]
    server: float
    painted: float
    ready: float

    @property
    def bytes(self) -> int:
        """What came over the wire, headers and all; what the browser had costs nothing."""
        return sum(part["bytes"] for part in [self.page, *self.parts])

    @property
    def asked(self) -> list[str]:
        """The addresses besides the page's own for which the server was asked."""
        return [part["address"] for part in self.parts if part["bytes"]]

    @property
    def blocking(self) -> list[str]:
        """What the first paint waited for."""
        return [part["address"] for part in self.parts if part["blocks"]]


def load(page: Page, path: str) -> Weight:
    page.goto(path)
    return Weight(**page.evaluate(MEASURE))
