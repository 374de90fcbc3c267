// Live parts of a page ask the server again while they are looked at, and wait while nobody answers.
// A live part says data-live hx-get hx-trigger="every 2s, look". See docs/operations.md.

const notice = document.getElementById("live-notice");
const isLive = (element) => element instanceof Element && element.matches("[data-live]");
const parts = () => document.querySelectorAll("[data-live]");
const PATIENCE = 15000;
const LONGEST_WAIT = 60;
const line = { failures: 0, retryAt: 0, isSignedOut: false, pressed: false, clock: 0 };

// What is under a hand

function isSelectingIn(element) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.rangeCount > 0
    && selection.getRangeAt(0).intersectsNode(element);
}

function isBeingFilled(element) {
  const fields = [...element.querySelectorAll("input, select, textarea")];
  return fields.some((field) => field === document.activeElement && field.matches(":not([type=checkbox])"));
}

// A page on which nothing happens and that nobody touches asks at a third of its pace; a running
// task's does not, for its lines are to be seen within a second.

const QUIET = 15;
const quiet = { answers: 0, turn: 0 };

function isCalm(element) {
  if (element.dataset.live === "brisk" || quiet.answers < QUIET) return false;
  quiet.turn += 1;
  return quiet.turn % 3 !== 0;
}

for (const sign of ["pointermove", "keydown", "focusin", "scroll"]) {
  document.addEventListener(sign, () => { quiet.answers = 0; }, { passive: true, capture: true });
}

const isHeld = (element) => line.pressed || isSelectingIn(element) || isBeingFilled(element);

document.addEventListener("pointerdown", () => { line.pressed = true; });
for (const end of ["pointerup", "pointercancel"]) {
  // The click follows the release, and must still find what was pressed.
  document.addEventListener(end, () => setTimeout(() => { line.pressed = false; }, 100));
}

// The notice: never modal, never in the way, and its countdown is not read aloud

function tell(words, { again = false, address = "", offer = "" } = {}) {
  const link = notice.querySelector("a");
  notice.querySelector("[data-words]").textContent = words;
  notice.querySelector("[data-count]").textContent = "";
  notice.querySelector("button").hidden = !again;
  link.hidden = !address;
  link.textContent = offer;
  if (address) link.href = address;
  notice.hidden = !words;
}

function count() {
  const seconds = Math.ceil((line.retryAt - Date.now()) / 1000);
  if (seconds > 0) {
    notice.querySelector("[data-count]").textContent = notice.dataset.count.replace("0", seconds);
    return;
  }
  notice.querySelector("[data-count]").textContent = notice.dataset.now;
  lookAgain();
}

function stopCounting() {
  clearInterval(line.clock);
  line.clock = 0;
}

function lose() {
  line.failures += 1;
  const wait = Math.min(2 ** line.failures, LONGEST_WAIT);
  // Not all pages of a server that comes back ask it in the same moment.
  line.retryAt = Date.now() + wait * (750 + Math.random() * 500);
  if (line.isSignedOut) return;
  if (notice.hidden || !line.clock) tell(notice.dataset.lost, { again: true });
  if (!line.clock) line.clock = setInterval(count, 500);
}

function find() {
  const wasLost = line.failures > 1 || line.isSignedOut;
  const wasTold = !notice.hidden && (line.failures || line.isSignedOut);
  Object.assign(line, { failures: 0, retryAt: 0, isSignedOut: false });
  stopCounting();
  if (!wasTold) return;
  tell(wasLost ? notice.dataset.back : "");
  if (wasLost) setTimeout(() => { if (!line.failures && !line.isSignedOut) tell(""); }, 4000);
}

function signOut() {
  line.isSignedOut = true;
  stopCounting();
  const login = new URL(notice.dataset.login, location.href);
  login.searchParams.set("next", location.pathname + location.search);
  tell(notice.dataset.signedOut, { address: login.pathname + login.search, offer: notice.dataset.signIn });
}

// It is there no longer, or no longer theirs to see: asking again would not help.
function giveUp(element) {
  for (const name of ["data-live", "hx-get", "hx-trigger"]) element.removeAttribute(name);
  htmx.process(element);
  tell(notice.dataset.gone, { address: location.href, offer: notice.dataset.reload });
}

function lookAgain() {
  line.retryAt = 0;
  for (const element of parts()) htmx.trigger(element, "look");
}

// Asking

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (!isLive(element)) return;
  const isForced = event.detail.requestConfig?.triggeringEvent?.type === "look";
  const waits = Date.now() < line.retryAt || (line.isSignedOut && !isForced);
  if (document.hidden || waits || isHeld(element) || (!isForced && isCalm(element))) event.preventDefault();
});

document.addEventListener("htmx:configRequest", (event) => {
  if (isLive(event.detail.elt)) event.detail.timeout = PATIENCE;
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt: element, xhr, pathInfo } = event.detail;
  if (!isLive(element)) return;
  const asked = new URL(pathInfo.finalRequestPath, location.href).pathname;
  // Signed out meanwhile: the sign-in page belongs in the window, not in a part of this one.
  const isElsewhere = xhr.responseURL && new URL(xhr.responseURL).pathname !== asked;
  const isRefused = xhr.status >= 400;
  if (isElsewhere || isRefused) event.preventDefault();
  if (isElsewhere || xhr.status === 401) signOut();
  else if (xhr.status >= 500 || xhr.status === 429) lose();
  else if (isRefused) giveUp(element);
  else find();
  quiet.answers = xhr.status === 204 ? quiet.answers + 1 : 0;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isLive(event.detail.elt) && isHeld(event.detail.elt)) event.detail.shouldSwap = false;
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => { if (isLive(event.detail.elt)) lose(); });
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) lookAgain(); });
window.addEventListener("online", lookAgain);
window.addEventListener("offline", () => { if (parts().length) lose(); });
notice.querySelector("button").addEventListener("click", lookAgain);

// Durations and bars that grow by themselves: from what the server said, by this machine's own clock

const begun = new WeakMap();
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function inUnits(seconds) {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return null;
  const [[unit, size], next] = [UNITS[first], UNITS[first + 1]];
  const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

function grow(element) {
  const told = element.dataset.elapsed;
  if (begun.get(element)?.told !== told) begun.set(element, { told, at: performance.now() });
  const seconds = Number(told) + (performance.now() - begun.get(element).at) / 1000;
  const words = inUnits(seconds);
  if (element.nodeName === "PROGRESS") element.value = seconds;
  else if (words && element.textContent !== words) element.textContent = words;
}

setInterval(() => {
  if (!document.hidden) document.querySelectorAll("[data-elapsed]").forEach(grow);
}, 1000);
