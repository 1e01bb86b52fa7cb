/** Strokes of a pointer on a canvas, each of which can be taken back. Knows nothing of what they mean. */
import { penOf } from "../raster.js";
import { useRef, useState } from "../vendor/preact.js";

/** @typedef {{colour: string, width: number, points: number[][]}} Stroke  all in pixels of the canvas */

/** @param {(canvas: HTMLCanvasElement) => void} clean  makes the canvas what it is without strokes */
export function useStrokes(clean) {
  const canvas = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const strokes = useRef(/** @type {Stroke[]} */ ([]));
  const [count, setCount] = useState(0);
  const keep = (/** @type {Stroke[]} */ kept) => {
    strokes.current = kept;
    const drawnOn = /** @type {HTMLCanvasElement} */ (canvas.current);
    clean(drawnOn);
    for (const stroke of kept) draw(drawnOn, stroke);
    setCount(kept.length);
  };
  return {
    canvas,
    count,
    undo: () => keep(strokes.current.slice(0, -1)),
    clear: () => keep([]),
    /** @param {any} event @param {string} colour @param {number} width */
    begin: (event, colour, width) => {
      event.target.setPointerCapture(event.pointerId);
      keep([...strokes.current, { colour, width, points: [placeOf(event)] }]);
    },
    /** @param {any} event */
    go: (event) => {
      const stroke = strokes.current.at(-1);
      if (!event.buttons || !stroke) return;
      stroke.points.push(placeOf(event));
      draw(event.target, { ...stroke, points: stroke.points.slice(-2) });
    },
  };
}

/** @param {any} event */
function placeOf({ target, offsetX, offsetY }) {
  const scale = target.width / target.clientWidth;
  return [offsetX * scale, offsetY * scale];
}

/** @param {HTMLCanvasElement} canvas @param {Stroke} stroke */
function draw(canvas, { colour, width, points: [first, ...others] }) {
  const pen = penOf(canvas);
  Object.assign(pen, { strokeStyle: colour, lineWidth: width, lineCap: "round", lineJoin: "round" });
  pen.beginPath();
  pen.moveTo(...first);
  for (const point of others.length ? others : [first]) pen.lineTo(...point);
  pen.stroke();
}
