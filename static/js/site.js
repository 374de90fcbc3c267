// Small comforts of every page. Without it they are text and forms all the same.
"use strict";

// Menus close on Escape and outside, and a double click sends a form once.

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const held = menu.contains(document.activeElement);
    menu.open = false;
    if (held) menu.querySelector("summary").focus();
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.matches(".theme")) return chooseTheme(event);
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  else form.setAttribute("aria-busy", "true");
});

// A page that comes back from the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

// The theme changes in place, so that nothing typed on the page is lost for it.

function chooseTheme(event) {
  const { target: form, submitter } = event;
  if (!submitter) return;
  event.preventDefault();
  const body = new FormData(form);
  body.set(submitter.name, submitter.value);
  fetch(form.action, { method: "POST", body, redirect: "manual" }).then(showTheme, () => form.submit());

  function showTheme() {
    const root = document.documentElement;
    document.body.classList.remove("theme-light", "theme-dark");
    if (submitter.value === "system") delete root.dataset.theme;
    else root.dataset.theme = submitter.value;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === submitter));
    }
  }
}

// Times in the reader's own zone, the exact one on hover, and relative ones that go on.

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const language = document.documentElement.lang || undefined;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const SHOWN = /^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?/;
const OF_A_LINE = /^\d\d:\d\d:\d\d\.\d{3}$/;
const two = (number) => String(number).padStart(2, "0");

function ownTime(moment, withSeconds) {
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  const clock = [two(moment.getHours()), two(moment.getMinutes())];
  if (withSeconds) clock.push(two(moment.getSeconds()));
  return `${day} ${clock.join(":")}`;
}

function ownAs(text, moment) {
  const shown = SHOWN.exec(text);
  const own = shown && ownTime(moment, shown[1]);
  if (shown) return own === shown[0] ? text : own;
  if (!OF_A_LINE.test(text)) return text;
  return `${ownTime(moment, true).slice(-8)}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

function showOwn(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.valueOf())) return;
  const own = ownAs(time.textContent, moment);
  time.title = `${ownTime(moment, true)} ${ownZone}${time.title ? ` · ${time.title}` : ""}`;
  if (own !== time.textContent) time.textContent = own;
  time.dataset.own = "";
}

function inWords(moment) {
  const seconds = (moment - Date.now()) / 1000;
  // What is 1 h 59 min ahead comes in two hours; what is 1 h 59 min ago was not two hours ago.
  const [round, more] = seconds > 0 ? [Math.round, 1] : [Math.trunc, 0];
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) + more >= each) || UNITS.at(-1);
  return relative.format(round(seconds / size), unit);
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]:not([data-own])")) showOwn(time);
  for (const mark of root.querySelectorAll("[data-clock]")) {
    mark.textContent = ownTime(new Date(mark.dataset.clock)).slice(-5);
  }
  for (const time of root.querySelectorAll("time[data-relative]")) {
    if (!time.title) time.title = time.textContent;
    const words = inWords(new Date(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}

// The tab shows what goes on: a live part of the page brings a new picture and title with it.

const ownTitle = document.title;

function showState(root) {
  const told = root.querySelector("[data-icon]");
  const icon = document.getElementById("icon");
  if (!told || !icon) return;
  if (icon.getAttribute("href") !== told.dataset.icon) icon.setAttribute("href", told.dataset.icon);
  document.title = told.dataset.stateTitle ? `${told.dataset.stateTitle} · ${ownTitle}` : ownTitle;
}

function show(root) {
  showTimes(root);
  showState(root);
}

document.addEventListener("DOMContentLoaded", () => show(document));
// Before the next picture is drawn, so that no time is seen to jump.
for (const swap of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(swap, () => show(document));
}
document.addEventListener("log:filled", (event) => showTimes(event.target));
setInterval(() => { if (!document.hidden) showTimes(document); }, 10000);
