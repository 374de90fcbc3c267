// The log viewer: any line of a log of 100,000 at once, without ever holding more than a few thousand.
// The lines of a stretch lie in parts; a part far from the view is emptied and keeps its height.

const SIZE = 250;
const KEPT = 16;
const AT_ONCE = 2;
const NEAR_END = 40;

const log = document.getElementById("log-lines");
const [toEndButton, followButton] = ["log-to-end", "log-follow"].map((id) => document.getElementById(id));
const stretches = new Map();
const parts = [];
const partOfElement = new WeakMap();
const state = {
  follows: false, grows: "grows" in log.dataset, top: 0, at: 0, seen: 0, loading: 0, timer: 0, passing: 0,
};

// Parts

// Asked for once: asking for each of 400 parts while they are made would lay the page out 400 times.
const lineHeight = parseFloat(getComputedStyle(log).lineHeight) || 20;
const holds = (part) => part.element.childElementCount;
const isFull = (part) => holds(part) === part.last - part.first + 1;
const numberOf = (item) => Number(item.id.slice(1));
const total = () => (parts.length ? parts.at(-1).last : 0);
const partOf = (number) => parts.find((part) => part.first <= number && number <= part.last);
const say = (name, detail) => log.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) partOfElement.get(target).isNear = isIntersecting;
  plan();
}, { root: log, rootMargin: "800px 0px" });

function addPart(stretch) {
  const element = document.createElement("ol");
  const part = { first: stretch.last + 1, last: stretch.last, element, isNear: false, loading: null };
  element.className = "part";
  partOfElement.set(element, part);
  stretch.element.append(element);
  stretch.parts.push(part);
  parts.push(part);
  watcher.observe(element);
  return part;
}

function size(part) {
  part.element.style.height = holds(part) ? "" : `${(part.last - part.first + 1) * lineHeight}px`;
}

function extend(stretch, last) {
  while (stretch.last < last) {
    let part = stretch.parts.at(-1);
    if (!part || part.last - part.first + 1 >= SIZE) part = addPart(stretch);
    part.last = Math.min(last, part.first + SIZE - 1);
    stretch.last = part.last;
    size(part);
  }
}

// A line that does not follow on those that a part holds is left out: the part is asked for as a whole.
function put(stretch, items) {
  for (const item of items) {
    const number = numberOf(item);
    const part = stretch.parts[Math.floor((number - stretch.first) / SIZE)];
    const before = part?.element.lastElementChild;
    if (part && (!before || numberOf(before) === number - 1)) {
      part.element.append(item);
      part.element.style.height = "";
    }
  }
}

function adopt(element) {
  const items = element.querySelectorAll("li.line");
  const [first, last] = [Number(element.dataset.first), Number(element.dataset.last)];
  const stretch = { element, first, last: first - 1, parts: [] };
  for (const old of element.querySelectorAll(".gap, ol.part")) old.remove();
  stretches.set(element.id, stretch);
  extend(stretch, last);
  put(stretch, items);
}

function merge(fresh) {
  const known = stretches.get(fresh.id);
  if (!known) {
    log.append(fresh);
    adopt(fresh);
    return;
  }
  const [head, newHead] = [known, { element: fresh }].map(({ element }) => element.querySelector(".section-head"));
  if (head && newHead && head.innerHTML !== newHead.innerHTML) head.innerHTML = newHead.innerHTML;
  extend(known, Number(fresh.dataset.last));
  put(known, fresh.querySelectorAll("li.line"));
}

// What is in view stays where it is, whatever changes above it

function place() {
  const { top } = log.getBoundingClientRect();
  const part = parts.find(({ element }) => element.offsetHeight && element.getBoundingClientRect().bottom > top + 1);
  if (!part) return null;
  const item = [...part.element.children].find((each) => each.getBoundingClientRect().bottom > top + 1);
  if (item) return { number: numberOf(item), offset: item.getBoundingClientRect().top - top };
  const rect = part.element.getBoundingClientRect();
  const share = Math.max(top - rect.top, 0) / rect.height;
  return { number: part.first + Math.floor(share * (part.last - part.first + 1)), offset: Math.max(rect.top - top, 0) };
}

function show(number, offset) {
  const item = document.getElementById(`L${number}`);
  const part = partOf(number);
  if (!part) return;
  const share = (number - part.first) / (part.last - part.first + 1);
  const rect = (item || part.element).getBoundingClientRect();
  const top = item ? rect.top : rect.top + share * rect.height;
  const away = top - log.getBoundingClientRect().top - offset;
  // Even a move by nothing would end one that the browser is in the middle of.
  if (Math.abs(away) >= 1) log.scrollTop += away;
  state.top = log.scrollTop;
}

function keepPlace(change) {
  const kept = state.follows ? null : place();
  change();
  if (state.follows) toEnd();
  else if (kept) show(kept.number, kept.offset);
}

// Loading what is near, dropping what is far

function plan() {
  if (!state.timer) state.timer = setTimeout(work, 40);
}

const distance = ({ element }) => {
  const [view, rect] = [log.getBoundingClientRect(), element.getBoundingClientRect()];
  return Math.max(rect.top - view.bottom, view.top - rect.bottom, 0);
};

function work() {
  state.timer = 0;
  // Whoever flies past reads nothing: lines put in now would stop the flight.
  const passed = Math.abs(log.scrollTop - state.passing);
  state.passing = log.scrollTop;
  if (passed > 2 * log.clientHeight) {
    plan();
    return;
  }
  const wanted = parts.filter((part) => part.isNear && !part.loading && !isFull(part));
  wanted.sort((one, other) => distance(one) - distance(other));
  for (const part of wanted.slice(0, AT_ONCE - state.loading)) load(part);
  tidy();
}

function load(part) {
  part.loading ??= ask(part).finally(() => {
    part.loading = null;
    plan();
  });
  return part.loading;
}

async function ask(part) {
  state.loading += 1;
  part.element.dataset.words = log.dataset.loading;
  try {
    const address = `${log.dataset.parts}?first=${part.first}&last=${part.last}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.statusText);
    fill(part, await answer.text());
  } catch {
    part.element.dataset.words = log.dataset.failed;
    await new Promise((resolve) => { setTimeout(resolve, 3000); });
  } finally {
    state.loading -= 1;
  }
}

function fill(part, html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  keepPlace(() => {
    part.element.replaceChildren(...box.content.children);
    size(part);
  });
  if (partOf(state.at) === part) mark(state.at);
  say("log:filled");
}

function tidy() {
  const selection = document.getSelection();
  const idle = parts.filter((part) => holds(part) && !part.isNear && !part.loading);
  const extra = parts.filter(holds).length - KEPT;
  if (extra <= 0) return;
  idle.sort((one, other) => distance(other) - distance(one));
  for (const part of idle.slice(0, extra)) {
    if (!selection.isCollapsed && selection.containsNode(part.element, true)) continue;
    const height = part.element.offsetHeight;
    part.element.replaceChildren();
    size(part);
    if (height) part.element.style.height = `${height}px`;
  }
}

// Following the end

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;

function toEnd() {
  const section = parts.at(-1)?.element.closest("details");
  if (section && !section.open) section.open = true;
  log.scrollTop = log.scrollHeight;
  state.top = log.scrollTop;
}

function follow(follows) {
  state.follows = follows && state.grows;
  if (follows) toEnd();
  tell();
}

function tell() {
  if (state.follows || isAtEnd()) state.seen = total();
  const news = total() - state.seen;
  followButton.hidden = !state.grows;
  followButton.setAttribute("aria-pressed", String(state.follows));
  toEndButton.hidden = !parts.length || isAtEnd() || (!state.grows && !news);
  toEndButton.textContent = news ? toEndButton.dataset.some.replace("0", news.toLocaleString()) : toEndButton.dataset.none;
}

log.addEventListener("scroll", () => {
  if (log.scrollTop < state.top - 2) state.follows = false;
  else if (isAtEnd()) state.follows = state.grows;
  state.top = log.scrollTop;
  tell();
}, { passive: true });

log.addEventListener("toggle", () => { plan(); tell(); }, true);
toEndButton.addEventListener("click", () => { follow(true); log.focus(); });
followButton.addEventListener("click", () => follow(!state.follows));

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target !== log) return;
  event.detail.shouldSwap = false;
  const fresh = [...event.detail.fragment.querySelectorAll(".stretch")];
  keepPlace(() => fresh.forEach(merge));
  document.getElementById("log-number").max = total();
  tell();
  plan();
  say("log:filled");
});

document.addEventListener("htmx:afterSettle", () => {
  state.grows = document.querySelector("#log-poll[data-live]") !== null;
  state.follows &&= state.grows;
  tell();
});

// Going to a line

function mark(number) {
  for (const old of log.querySelectorAll(".line-at")) old.classList.remove("line-at");
  state.at = number;
  document.getElementById(`L${number}`)?.classList.add("line-at");
}

async function goTo(number) {
  const part = partOf(number);
  if (!part) return;
  state.follows = false;
  const section = part.element.closest("details");
  if (section) section.open = true;
  mark(number);
  show(number, log.clientHeight / 3);
  if (!document.getElementById(`L${number}`)) await load(part);
  show(number, log.clientHeight / 3);
  mark(number);
  document.getElementById(`L${number}`)?.scrollIntoView({ block: "nearest" });
  state.top = log.scrollTop;
  tell();
}

function keepAddress(number, words = "") {
  const query = new URLSearchParams(words ? { find: words, line: number } : { line: number });
  history.replaceState(history.state, "", `?${query}#L${number}`);
}

const lineInHash = () => Number(/^#L(\d{1,9})$/.exec(location.hash)?.[1] || 0);

log.addEventListener("click", (event) => {
  const link = event.target.closest("li.line > a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  mark(numberOf(link.parentElement));
  keepAddress(state.at);
});

document.getElementById("log-goto").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = Math.min(Number(event.target.elements.line.value), total());
  keepAddress(number);
  goTo(number).then(() => log.focus({ preventScroll: true }));
});

window.addEventListener("hashchange", () => { if (lineInHash()) goTo(lineInHash()); });
log.addEventListener("log:goto", ({ detail }) => {
  keepAddress(detail.number, detail.words);
  goTo(detail.number);
});

// Taking it along: lines without their numbers, or the whole log

log.addEventListener("copy", (event) => {
  const selection = document.getSelection();
  if (!selection.rangeCount) return;
  const words = selection.getRangeAt(0).cloneContents().querySelectorAll("li.line > span");
  if (!words.length) return;
  event.clipboardData.setData("text/plain", [...words].map((each) => each.textContent).join("\n"));
  event.preventDefault();
});

const copyButton = document.getElementById("log-copy");
copyButton.hidden = !navigator.clipboard;
copyButton.addEventListener("click", async () => {
  const label = copyButton.textContent;
  try {
    const answer = await fetch(copyButton.dataset.from);
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    copyButton.textContent = copyButton.dataset.done;
  } catch {
    copyButton.textContent = copyButton.dataset.failed;
  }
  setTimeout(() => { copyButton.textContent = label; }, 2000);
});

// Beginning: at the line that the address names, else at the end

toEndButton.dataset.none = toEndButton.textContent;
log.classList.add("is-whole");
for (const element of log.querySelectorAll(".stretch")) adopt(element);
const asked = lineInHash() || Number(log.querySelector(".line-at")?.id.slice(1) || 0);
if (asked) goTo(asked);
else follow(true);
