"use strict";
// Without this script the page shows everything but enlarged pictures.
const root = document.documentElement;
const dialog = document.querySelector("dialog");
const items = [...document.querySelectorAll(".item")].map((item) => [...item.querySelectorAll(".tiles button")]);
root.classList.add("scripted");

const size = document.querySelector(".size input");
size?.addEventListener("input", () => size.closest("section").style.setProperty("--tile", `${size.value}rem`));

if (dialog && items.length) {
  const picture = dialog.querySelector("img");
  const words = dialog.querySelector("p");
  let row = 0;
  let column = 0;
  let zoom = 1;

  const largestThatFits = () => {
    const canvas = dialog.querySelector(".canvas");
    const fitting = Math.min((canvas.clientWidth - 32) / picture.naturalWidth, (canvas.clientHeight - 16) / picture.naturalHeight);
    return fitting >= 1 ? Math.floor(fitting) : Math.max(fitting, 0.05);
  };
  const setZoom = (value) => {
    zoom = Math.min(Math.max(value, 0.05), 32);
    picture.style.width = `${picture.naturalWidth * zoom}px`;
  };
  const show = (nextRow, nextColumn, keepZoom) => {
    row = Math.min(Math.max(nextRow, 0), items.length - 1);
    column = (nextColumn + items[row].length) % items[row].length;
    const source = items[row][column].querySelector("img");
    picture.src = source.src;
    picture.alt = source.alt;
    words.textContent = items[row][column].dataset.words;
    picture.decode().then(() => setZoom(keepZoom ? zoom : largestThatFits()), () => {});
  };
  const actions = {
    previous: () => show(row, column - 1, true),
    next: () => show(row, column + 1, true),
    above: () => show(row - 1, column, false),
    below: () => show(row + 1, column, false),
    larger: () => setZoom(zoom >= 1 ? zoom + 1 : zoom * 1.25),
    smaller: () => setZoom(zoom > 1 ? zoom - 1 : zoom / 1.25),
    close: () => dialog.close(),
  };
  const keys = { ArrowLeft: "previous", ArrowRight: "next", ArrowUp: "above", ArrowDown: "below", "+": "larger", "-": "smaller" };

  items.forEach((buttons, number) =>
    buttons.forEach((button, position) =>
      button.addEventListener("click", () => {
        dialog.showModal();
        show(number, position, false);
      })
    )
  );
  dialog.addEventListener("keydown", (event) => {
    if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      actions[keys[event.key]]();
    }
  });
  dialog.querySelectorAll("[data-action]").forEach((button) => button.addEventListener("click", actions[button.dataset.action]));
  // Where the reader left the dialog, the page goes on.
  dialog.addEventListener("close", () => items[row][column].focus());
}
