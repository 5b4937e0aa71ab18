"use strict";
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

const filters = { cell: one("#f-cell"), mode: one("#f-mode"), severity: one("#f-severity") };
const negatives = all(".negative");
const shown = (element) => element.offsetParent !== null;

function filter() {
  const wanted = (name, value) => !filters[name].value || filters[name].value === value;
  for (const figure of negatives) figure.hidden = !wanted("severity", figure.dataset.severity);
  // what has nothing left to show goes too, from the inside to the outside
  const empty = (element, inner) => all(inner, element).every((part) => part.hidden);
  for (const row of all(".row")) row.hidden = empty(row, ".negative");
  for (const mode of all(".mode")) mode.hidden = !wanted("mode", mode.dataset.mode) || empty(mode, ".row");
  for (const cell of all(".cell")) cell.hidden = !wanted("cell", cell.dataset.cell) || empty(cell, ".mode");
  const left = negatives.filter(shown).length;
  one("#count").textContent = `${left} of ${negatives.length} pairs shown.`;
  one("#none").hidden = left > 0;
}
for (const field of Object.values(filters)) field.addEventListener("change", filter);
one("#filters").addEventListener("submit", (event) => event.preventDefault());

// One pair, large: side by side, or both in one place and one of them seen.
const view = one("#view");
const images = one("#v-images");
const flip = one("#v-flip");
let current = null;

function show(figure) {
  current = figure;
  const positive = one(".positive", figure.parentElement);
  one("#v-title").textContent = one("img", figure).alt.replace("Negative: ", "");
  one("#v-text").textContent = one(".prompt", positive)?.textContent ?? "";
  one("#v-positive").src = one("img", positive).src;
  one("#v-negative").src = one("img", figure).src;
  together(flip.getAttribute("aria-pressed") === "true");
}

function together(on) {
  images.classList.toggle("one", on);
  flip.setAttribute("aria-pressed", on);
  one("#v-positive").hidden = on;
  one("#v-negative").hidden = false;
}

function swap() {
  if (flip.getAttribute("aria-pressed") !== "true") return together(true);
  for (const image of all("img", images)) image.hidden = !image.hidden;
}

function step(by) {
  const list = negatives.filter((figure) => one("img", figure) && shown(figure));
  show(list[(list.indexOf(current) + by + list.length) % list.length]);
}

for (const button of all(".negative button")) {
  button.addEventListener("click", () => {
    show(button.parentElement);
    view.showModal();
    one("#v-title").focus();
  });
}
one("#v-close").addEventListener("click", () => view.close());
one("#v-back").addEventListener("click", () => step(-1));
one("#v-next").addEventListener("click", () => step(1));
flip.addEventListener("click", () => (flip.getAttribute("aria-pressed") === "true" ? together(false) : together(true)));
view.addEventListener("close", () => one("button", current).focus());
view.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === " " && event.target.tagName !== "BUTTON") swap();
  else return;
  event.preventDefault();
});
