/** The picture to edit under glass: what is painted on the glass will be painted anew. Knows no model. */
import { maskOf, penOf } from "../raster.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { stroke } from "./sketchpad.js";

/** Any colour does: the mask is where there is some. */
const PAINT = "#e6332a";

/** @param {{picture: string, onDone: (url: string) => void}} props */
export function MaskPad({ picture, onDone }) {
  const glass = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const [share, setShare] = useState(15);
  const [painted, setPainted] = useState(false);
  const fit = (/** @type {any} */ { target: { naturalWidth: width, naturalHeight: height } }) =>
    Object.assign(/** @type {HTMLCanvasElement} */ (glass.current), { width, height });
  const paint = (/** @type {any} */ event) => {
    if (!event.buttons) return;
    stroke(event, PAINT, (share / 100) * event.target.width);
    setPainted(true);
  };
  const clear = () => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (glass.current);
    penOf(/** @type {HTMLCanvasElement} */ (glass.current)).clearRect(0, 0, width, height);
    setPainted(false);
  };
  const use = async () => onDone(await maskOf(/** @type {HTMLCanvasElement} */ (glass.current)));
  return html`<div class="maskpad">
    <div class="glass">
      <img src=${picture} alt="" onLoad=${fit} />
      <canvas
        ref=${glass}
        role="img"
        aria-label="The picture, to paint on"
        onPointerDown=${(event) => (event.target.setPointerCapture(event.pointerId), paint(event))}
        onPointerMove=${paint}
      ></canvas>
    </div>
    <label>Brush ${share} %
      <input type="range" min="2" max="50" value=${share} onInput=${(event) => setShare(Number(event.target.value))} />
    </label>
    <div class="actions">
      <button type="button" disabled=${!painted} onClick=${use}>Use it</button>
      <button type="button" disabled=${!painted} onClick=${clear}>Clear</button>
    </div>
  </div>`;
}
