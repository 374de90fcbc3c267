// Times in the reader's own zone, and a countdown that goes on. Without it both are there as text.
"use strict";

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]:not([title])")) {
    const own = local.format(new Date(time.dateTime));
    time.title = `${own} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
    if (time.closest(".banner")) time.textContent += ` = ${own} here`;
  }
}

function inWords(seconds) {
  const [days, hours] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

function countDown() {
  for (const span of document.querySelectorAll("[data-countdown-to]")) {
    const seconds = (new Date(span.dataset.countdownTo) - Date.now()) / 1000;
    span.textContent = seconds > 0 ? `in ${inWords(seconds)}` : "now";
  }
}

document.addEventListener("DOMContentLoaded", () => {
  showLocalTimes(document);
  if (document.querySelector("[data-countdown-to]")) {
    countDown();
    setInterval(countDown, 1000);
  }
});
document.addEventListener("htmx:afterSwap", (event) => showLocalTimes(event.target));
