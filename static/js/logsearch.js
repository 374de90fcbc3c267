// Search in the whole log: the server says on which lines, the viewer goes there. Without it the form
// leads to a page of its own.

const log = document.getElementById("log-lines");
const form = document.querySelector(".log-search");
const field = form.elements.find;
const status = document.getElementById("log-found");
const steps = document.getElementById("log-steps");
const search = { words: "", lines: [], total: 0, index: 0 };
const MARK = "log-found";

function firstInView() {
  const box = log.getBoundingClientRect();
  const item = document.elementFromPoint(box.left + box.width / 2, box.top + 30)?.closest("li.line");
  return item ? Number(item.id.slice(1)) : 1;
}

// The words are marked without touching the lines, where the browser can.
function highlight() {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete(MARK);
  const wanted = search.words.toLowerCase();
  if (!wanted) return;
  const ranges = [];
  for (const words of log.querySelectorAll("li.line > span")) {
    if (words.textContent.toLowerCase().includes(wanted)) ranges.push(...rangesIn(words, wanted));
  }
  CSS.highlights.set(MARK, new Highlight(...ranges));
}

function rangesIn(element, wanted) {
  const ranges = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, Math.min(at + wanted.length, node.length));
      ranges.push(range);
    }
  }
  return ranges;
}

function tell() {
  const some = status.dataset.some.replace("{k}", search.index + 1).replace("{n}", search.total.toLocaleString());
  status.textContent = !search.words ? "" : search.total ? some : status.dataset.none;
  steps.hidden = !search.total;
}

function show() {
  tell();
  highlight();
  const number = search.lines[search.index];
  if (number) log.dispatchEvent(new CustomEvent("log:goto", { detail: { number, words: search.words } }));
}

async function find(words, from) {
  const address = new URL(form.action);
  address.searchParams.set("find", words);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) {
    form.submit();
    return;
  }
  Object.assign(search, { words }, await answer.json());
  search.index = Math.max(search.lines.findIndex((number) => number >= from), 0);
  show();
}

function step(by) {
  search.index = (search.index + by + search.lines.length) % search.lines.length;
  show();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = field.value.trim();
  if (words !== search.words) find(words, firstInView());
  else if (search.total) step(1);
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.shiftKey || !search.total) return;
  event.preventDefault();
  step(-1);
});

field.addEventListener("input", () => {
  if (field.value) return;
  Object.assign(search, { words: "", lines: [], total: 0 });
  tell();
  highlight();
});

for (const [id, by] of [["log-previous", -1], ["log-next", 1]]) {
  document.getElementById(id).addEventListener("click", (event) => {
    event.preventDefault();
    step(by);
  });
}

log.addEventListener("log:filled", highlight);
const given = new URLSearchParams(location.search);
if (given.get("find")) find(given.get("find"), Number(given.get("line") || 1));
