// The quick search: Ctrl+K or "/" opens it, arrows choose, Enter goes there. Without it, a page does.
"use strict";

const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-hits");
const told = document.getElementById("palette-count");
const PAUSE = 120;
const search = { timer: 0, request: null, chosen: null, shown: null };

const options = () => [...list.querySelectorAll("[role=option]")];

function isTyping(element) {
  return element.isContentEditable || element.matches("input:not([type=checkbox], [type=radio]), select, textarea");
}

function choose(option) {
  if (search.chosen) search.chosen.setAttribute("aria-selected", "false");
  search.chosen = option || null;
  if (!option) return input.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option.id);
}

function move(step) {
  const all = options();
  if (!all.length) return;
  const place = all.indexOf(search.chosen);
  choose(all[(place + step + all.length) % all.length]);
}

function show(text) {
  list.innerHTML = text;
  input.setAttribute("aria-expanded", String(options().length > 0));
  choose(options()[0]);
  told.textContent = list.querySelector("[data-count]")?.dataset.count || "";
}

async function ask() {
  clearTimeout(search.timer);
  search.request?.abort();
  search.request = new AbortController();
  const typed = input.value;
  const address = new URL(input.form.action);
  address.searchParams.set("q", typed);
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, signal: search.request.signal });
    if (answer.status === 401) location.reload();
    if (!answer.ok) return;
    show(await answer.text());
    search.shown = typed;
  } catch (error) {
    if (error.name !== "AbortError") show("");
  }
}

// What is chosen is of what was typed, however fast Enter follows.
async function go(isElsewhere) {
  if (search.shown !== input.value) await ask();
  if (!search.chosen) input.form.submit();
  else if (isElsewhere) window.open(search.chosen.href);
  else search.chosen.click();
}

function open() {
  if (palette.open) return;
  palette.showModal();
  input.select();
  ask();
}

document.addEventListener("keydown", (event) => {
  const isShortcut = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k";
  const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  if (!isShortcut && !isSlash) return;
  if (document.querySelector("dialog[open]:not(#palette)")) return;
  event.preventDefault();
  open();
});

document.querySelector(".finder")?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open();
});

input.addEventListener("input", () => {
  clearTimeout(search.timer);
  search.timer = setTimeout(ask, PAUSE);
});

input.addEventListener("keydown", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) {
    event.preventDefault();
    move(steps[event.key]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    go(event.ctrlKey || event.metaKey);
  } else if (event.key === "Escape") {
    // A search field would only be emptied.
    event.preventDefault();
    palette.close();
  }
});

list.addEventListener("pointermove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option !== search.chosen) choose(option);
});

palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
