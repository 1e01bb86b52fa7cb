/** The picture to edit under glass: what is painted on the glass will be painted anew. Knows no model. */
import { maskOf, penOf } from "../raster.js";
import { html, useState } from "../vendor/preact.js";
import { useStrokes } from "./strokes.js";

/** Any colour does: the mask is where there is some. */
const PAINT = "#e6332a";

/** @param {{picture: string, onDone: (url: string) => void}} props */
export function MaskPad({ picture, onDone }) {
  const glass = useStrokes((canvas) => penOf(canvas).clearRect(0, 0, canvas.width, canvas.height));
  const [share, setShare] = useState(15);
  const pane = () => /** @type {HTMLCanvasElement} */ (glass.canvas.current);
  const fit = (/** @type {any} */ { target: { naturalWidth: width, naturalHeight: height } }) => Object.assign(pane(), { width, height });
  return html`<div class="maskpad">
    <div class="glass">
      <img src=${picture} alt="" onLoad=${fit} />
      <canvas
        ref=${glass.canvas}
        role="img"
        aria-label="The picture, to paint on"
        onPointerDown=${(event) => glass.begin(event, PAINT, (share / 100) * event.target.width)}
        onPointerMove=${glass.go}
      ></canvas>
    </div>
    <label>Brush ${share} %
      <input type="range" min="2" max="50" value=${share} onInput=${(event) => setShare(Number(event.target.value))} />
    </label>
    <div class="actions">
      <button type="button" disabled=${!glass.count} onClick=${async () => onDone(await maskOf(pane()))}>Use it</button>
      <button type="button" disabled=${!glass.count} onClick=${glass.undo}>Undo</button>
      <button type="button" disabled=${!glass.count} onClick=${glass.clear}>Clear</button>
    </div>
  </div>`;
}
