/** A canvas to draw a control picture on: outlines, or areas of a layout. Knows no model. */
import { penOf } from "../raster.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

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
  const canvas = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const [colour, choose] = useState(PALETTES[kind][1][1]);
  useEffect(() => {
    const pen = penOf(/** @type {HTMLCanvasElement} */ (canvas.current));
    pen.fillStyle = PALETTES[kind][0][1];
    pen.fillRect(0, 0, SIDE, SIDE);
  }, [kind]);
  const draw = (/** @type {PointerEvent} */ event) => event.buttons && stroke(event, colour, kind === "edges" ? 3 : 26);
  return html`<div class="sketchpad">
    <canvas
      ref=${canvas}
      width=${SIDE}
      height=${SIDE}
      role="img"
      aria-label=${`Sheet to draw ${kind} on`}
      onPointerDown=${(event) => (event.target.setPointerCapture(event.pointerId), draw(event))}
      onPointerMove=${draw}
    ></canvas>
    <div class="palette" role="group" aria-label="Colours">
      ${PALETTES[kind].map(
        ([name, value]) => html`<button type="button" aria-pressed=${String(value === colour)} onClick=${() => choose(value)}>
          <span class="swatch" style=${{ background: value }}></span>${name}
        </button>`,
      )}
      <button type="button" onClick=${() => onDone(canvas.current?.toDataURL("image/png") ?? "")}>Use it</button>
    </div>
  </div>`;
}

/** Draw from where the pointer was to where it is. @param {any} event @param {string} colour @param {number} width */
export function stroke({ target, offsetX, offsetY, movementX, movementY, type }, colour, width) {
  const scale = target.width / target.clientWidth;
  const back = type === "pointerdown" ? 0 : scale;
  const pen = penOf(target);
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(offsetX * scale - movementX * back, offsetY * scale - movementY * back);
  pen.lineTo(offsetX * scale, offsetY * scale);
  pen.stroke();
}
