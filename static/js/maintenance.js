// The countdown to a window goes on. Without it the time to it is there as text.
"use strict";

function lengthInWords(seconds) {
  const [days, hours] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

function countDown() {
  for (const span of document.querySelectorAll("[data-countdown-to]")) {
    const seconds = (new Date(span.dataset.countdownTo) - Date.now()) / 1000;
    span.textContent = seconds > 0 ? `in ${lengthInWords(seconds)}` : "now";
  }
}

document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("[data-countdown-to]")) return;
  countDown();
  setInterval(countDown, 1000);
});
