/** A picture file dropped anywhere on the page. Knows only how to notice it. */
import { openFile } from "../actions.js";

export function watchDrops() {
  const hovering = (/** @type {boolean} */ over) => document.body.classList.toggle("dropping", over);
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    hovering(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && hovering(false));
  addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    hovering(false);
    if (!file) return;
    event.preventDefault();
    openFile(file);
  });
}
