/** A canvas to draw a control picture on: outlines, or areas of a layout. Knows no model. */
import { penOf } from "../raster.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useStrokes } from "./strokes.js";

const SIDE = 256;
/** What can be drawn, by kind: name of the colour, the colour. The first one covers the sheet. */
export const PALETTES = {
  edges: [["nothing", "#000000"], ["line", "#ffffff"]],
  layout: [
    ["sky", "#70c5e8"],
    ["thing", "#e6332a"],
    ["ground", "#6aa84f"],
    ["sea", "#1f5fbf"],
    ["far", "#8e7cc3"],
    ["road", "#595959"],
  ],
};

/** @param {{kind: "edges"|"layout", onDone: (url: string) => void}} props */
export function Sketchpad({ kind, onDone }) {
  const sheet = useStrokes((canvas) => {
    const pen = penOf(canvas);
    pen.fillStyle = PALETTES[kind][0][1];
    pen.fillRect(0, 0, SIDE, SIDE);
  });
  const [colour, choose] = useState(PALETTES[kind][1][1]);
  useEffect(sheet.clear, [kind]);
  return html`<div class="sketchpad">
    <canvas
      ref=${sheet.canvas}
      width=${SIDE}
      height=${SIDE}
      role="img"
      aria-label=${`Sheet to draw ${kind} on`}
      onPointerDown=${(event) => sheet.begin(event, colour, kind === "edges" ? 3 : 26)}
      onPointerMove=${sheet.go}
    ></canvas>
    <div class="palette" role="group" aria-label="Colours">
      ${PALETTES[kind].map(
        ([name, value]) => html`<button type="button" aria-pressed=${String(value === colour)} onClick=${() => choose(value)}>
          <span class="swatch" style=${{ background: value }}></span>${name}
        </button>`,
      )}
      <button type="button" onClick=${() => onDone(sheet.canvas.current?.toDataURL("image/png") ?? "")}>Use it</button>
      <button type="button" disabled=${!sheet.count} onClick=${sheet.undo}>Undo</button>
    </div>
  </div>`;
}
