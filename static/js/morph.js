// hx-swap="morph" and "morph-inner": swap a part of a page by changing only what differs.
// What stays keeps its focus, its selection, its ticks, its scroll position and its open details.

// What a person changes on a page is theirs; the server's answer does not know of it.
const OWN = { DETAILS: ["open"], INPUT: ["value", "checked"], DIALOG: ["open"], OPTION: ["selected"] };

function morphAttributes(old, fresh) {
  const own = OWN[old.nodeName] || [];
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !own.includes(name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !own.includes(name)) old.removeAttribute(name);
  }
}

function isAlike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
}

function morphChildren(old, fresh) {
  const coming = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  const skipGone = () => {
    while (place && place.id && !coming.has(place.id)) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };
  for (const child of [...fresh.childNodes]) {
    skipGone();
    const same = child.id ? known.get(child.id) : place;
    if (!same || !isAlike(same, child)) {
      old.insertBefore(child, place);
    } else {
      if (same === place) place = place.nextSibling;
      else old.insertBefore(same, place);
      morph(same, child);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  if (old.nodeName !== "TEXTAREA") morphChildren(old, fresh);
}

// "morph" takes the answer's element for the target itself, "morph-inner" the answer for what is in it.
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph" && style !== "morph-inner") return false;
    const whole = style === "morph" && fragment.nodeType === Node.DOCUMENT_FRAGMENT_NODE;
    if (style === "morph") morph(target, whole ? fragment.firstElementChild : fragment);
    else morphChildren(target, fragment);
    return [target];
  },
});
