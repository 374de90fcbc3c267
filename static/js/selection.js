// Tasks of the list that are ticked stay put: the list waits until they are let go or sent.
"use strict";

const bulk = document.getElementById("bulk");

if (bulk) {
  const count = document.getElementById("selected-count");
  const all = document.getElementById("select-all");
  const boxes = () => [...document.querySelectorAll("#tasks input[name=task]")];
  const ticked = () => boxes().filter((box) => box.checked);
  const isList = (event) => event.detail.elt.id === "tasks";

  function tell() {
    const number = ticked().length;
    count.textContent = number ? count.dataset.some.replace("0", number) : count.dataset.none;
    all.checked = number > 0 && number === boxes().length;
    all.indeterminate = number > 0 && !all.checked;
  }

  document.getElementById("select-all-label").hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    tell();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("#tasks input[name=task]")) tell();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isList(event) && ticked().length) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isList(event) && ticked().length) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", tell);
  window.addEventListener("pageshow", tell);
  tell();
}
