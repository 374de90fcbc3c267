"""Ask axe-core what of WCAG 2.2 AA, and of good practice, a page misses.

The script is evaluated by the browser's debugger, so that the page's own policy stays as it is.
"""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

# The file that the package carries; nothing of it is loaded from elsewhere.
SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"type": "tag", "values": TAGS}
# Of the rules, the one that another set of colours can change.
COLOURS = {"type": "rule", "values": ["color-contrast"]}
# What is excused, by rule and element, each with the reason.
EXCUSED = {
    # Django's search field is named by the picture in its label, which the rule does not read.
    ("label-title-only", 'id="searchbar"'),
    # Django's own script writes these beside the two lists of a group's permissions.
    ("aria-prohibited-attr", 'class="help-tooltip'),
    # Django's own table of rows that belong to a row leaves the heads of two columns empty.
    ("empty-table-header", '<th class="original"></th>'),
    ("empty-table-header", "<th></th>"),
}

RUN = """
async (only) => {
  // A colour on its way to another is neither.
  for (const animation of document.getAnimations()) {
    if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
  }
  const found = await axe.run(document, {
    runOnly: only, resultTypes: ["violations"], preload: false,
  });
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => [
    id, node.html, node.any.concat(node.all, node.none).map((check) => check.message).join("; "),
  ]));
}
"""


def violations(page: Page, *, only: dict[str, Any] | None = None) -> list[str]:
    """Return each violation in a page: the rule, the element, and what is wrong with it."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(SCRIPT)
    found: list[list[str]] = page.evaluate(RUN, only or EVERYTHING)
    return [
        f"{rule}: {element[:200]} ({words})"
        for rule, element, words in found
        if not any(rule == excused and part in element for excused, part in EXCUSED)
    ]
