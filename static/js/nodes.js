// The Nodes page goes on by itself, but not while somebody types a task cap.
"use strict";

const nodes = document.getElementById("nodes");

function isTyping() {
  const caps = [...nodes.querySelectorAll("input[name=task_cap]")];
  return caps.some((cap) => cap === document.activeElement || cap.value !== cap.defaultValue);
}

nodes.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt === nodes && isTyping()) event.preventDefault();
});

nodes.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt === nodes && isTyping()) event.detail.shouldSwap = false;
});
