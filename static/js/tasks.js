// Live parts of a page poll only while they are looked at, and never pull anything from under a hand.
"use strict";

const live = (element) => element instanceof Element && element.matches("[data-live]");
let pressed = false;

function isSelecting() {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed;
}

document.addEventListener("pointerdown", () => { pressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  // The click follows the release, and must still find what was pressed.
  document.addEventListener(end, () => setTimeout(() => { pressed = false; }, 100));
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (live(element) && (document.hidden || (element.id === "tasks" && isSelecting()))) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt: element, xhr, pathInfo } = event.detail;
  if (!live(element)) return;
  // Signed out meanwhile: the sign-in page belongs in the window, not in a part of this one.
  const answered = xhr.responseURL && new URL(xhr.responseURL).pathname;
  if (answered && answered !== new URL(pathInfo.finalRequestPath, location.href).pathname) {
    event.detail.shouldSwap = false;
    location.reload();
  } else if (pressed) {
    event.detail.shouldSwap = false;
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-live]")) htmx.trigger(element, "look");
});

// The log follows its end while the reader is there, and stays where the reader scrolled to.
const LINES_KEPT = 5000;
const NEAR = 40;
const lines = document.getElementById("log-lines");

if (lines) {
  const isAtEnd = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR;
  const toEnd = () => { lines.scrollTop = lines.scrollHeight; };
  let follows = true;
  lines.addEventListener("scroll", () => { follows = isAtEnd(); }, { passive: true });
  const isToldWhere = location.hash.startsWith("#L") || new URLSearchParams(location.search).has("line");
  if (!isToldWhere) toEnd();

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target !== lines) return;
    const extra = lines.childElementCount - LINES_KEPT;
    for (let index = 0; follows && index < extra; index += 1) lines.firstElementChild.remove();
    if (follows) toEnd();
  });
}
