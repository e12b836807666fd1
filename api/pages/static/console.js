// Keys and live updates; every page works without this file.
//
// - A single key moves to the part of the page that carries it in data-key; j and k walk through data-step in order.
//   Keys are ignored while something is typed, with Ctrl, Alt or Meta, and when they are switched off (WCAG 2.1.4).
// - A form that was just sent is not sent again: a second tap would be a second report.
// - What was done is said once: the word for it leaves the address, which a customer keeps and staff load again.
// - A part with data-live is fetched again while it says data-live-on="yes".
"use strict";

const SWITCH = "weaklink-keys";
const EVERY_MS = 1500;
const SENT_FOR_MS = 3000;
const FIELDS = "input, select, textarea, [contenteditable]";

function keysAreOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function showSwitch(button) {
  const on = keysAreOn();
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? "Single keys are on" : "Single keys are off";
}

function go(target) {
  target.focus();
  target.scrollIntoView({ block: target.matches("tr, a") ? "nearest" : "start" });
  if (target.matches("input[type=search]")) target.select();
}

function isShown(target) {
  return target.getClientRects().length > 0;
}

function walk(forward) {
  const steps = [...document.querySelectorAll("[data-step]")].filter(isShown);
  if (!steps.length) return;
  const here = steps.findIndex((step) => step === document.activeElement || step.contains(document.activeElement));
  const next = here < 0 ? (forward ? 0 : steps.length - 1) : here + (forward ? 1 : -1);
  if (steps[next]) go(steps[next]);
}

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !keysAreOn()) return;
  if (event.target.matches(FIELDS)) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") {
    event.preventDefault();
    walk(key === "j");
    return;
  }
  const target = [...document.querySelectorAll("[data-key]")].find((part) => part.dataset.key === key);
  if (target) {
    event.preventDefault();
    go(target);
  }
}

function sendOnce(event) {
  const form = event.target;
  if ("sent" in form.dataset) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, SENT_FOR_MS);
}

function sayOnce(done) {
  // Not by autofocus, which browsers refuse where the address leads to a part of the page. Going there, they take the
  // focus away, with a frame that they draw: so it is given once more after one, unless it is in use by then.
  const read = () => {
    if (document.activeElement === document.body) done.focus({ preventScroll: location.hash !== "" });
  };
  if (!document.querySelector("[autofocus]")) {
    read();
    addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(read)));
  }
  const kept = new URL(location.href);
  kept.searchParams.delete("done");
  history.replaceState(history.state, "", kept);
}

async function refresh(part) {
  const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  if (fresh.textContent.trim() !== part.textContent.trim()) part.replaceChildren(...fresh.childNodes);
}

function keepLive(part) {
  if (!part.querySelector('[data-live-on="yes"]')) return;
  setTimeout(async () => {
    if (!document.hidden) await refresh(part).catch(() => undefined);
    keepLive(part);
  }, EVERY_MS);
}

document.addEventListener("keydown", press);
document.addEventListener("submit", sendOnce);
document.querySelectorAll("[data-done]").forEach(sayOnce);
document.querySelectorAll("[data-live]").forEach(keepLive);
document.querySelectorAll("[data-keys]").forEach((part) => {
  part.hidden = false;
  const button = part.querySelector("[data-keys-switch]");
  showSwitch(button);
  button.addEventListener("click", () => {
    try {
      localStorage.setItem(SWITCH, keysAreOn() ? "off" : "on");
    } catch {
      return;
    }
    showSwitch(button);
  });
});
