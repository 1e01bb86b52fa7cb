/** The engine room: how many pictures share the work at this moment. Knows no network. */
import { watchRoom } from "../room.js";
import { html, useEffect, useState } from "../vendor/preact.js";

/** Looks kept for the chart. */
const KEPT = 60;
/** Rows that fill the chart's height, unless there are more. */
const TALL = 8;

export function Room() {
  const [open, setOpen] = useState(false);
  const onToggle = (/** @type {any} */ event) => setOpen(event.target.open);
  return html`<details class="room" onToggle=${onToggle}>
    <summary>Engine room</summary>
    ${open && html`<${Gauges} />`}
  </details>`;
}

function Gauges() {
  const [looks, setLooks] = useState(/** @type {import("../room.js").Room[]} */ ([]));
  useEffect(() => watchRoom((room) => setLooks((kept) => [...kept, room].slice(-KEPT))), []);
  const now = looks.at(-1);
  if (!now) return html`<p class="hint">Looking…</p>`;
  return html`<dl>
      ${gauges(now).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
    <${Chart} looks=${looks} />
    <p class="hint">Each bar is a second: how many pictures were woven into one forward of the network.</p>`;
}

/** @param {import("../room.js").Room} now @returns {[string, string|number][]} */
function gauges({ active, queued, rows, stepSeconds, finished }) {
  return [
    ["Rows per forward", rows === null ? "idle" : rows.toFixed(1)],
    ["Being made", active],
    ["Waiting", queued],
    ["Time of a step", stepSeconds ? `${(1000 * stepSeconds).toFixed(0)} ms` : "–"],
    ["Finished", finished],
  ];
}

function Chart({ looks }) {
  const most = Math.max(TALL, ...looks.map(({ rows }) => rows ?? 0));
  return html`<svg viewBox=${`0 0 ${KEPT} ${TALL}`} preserveAspectRatio="none" role="img" aria-label="Rows per forward, the last minute">
    ${looks.map(({ rows }, at) => {
      const height = ((rows ?? 0) / most) * TALL;
      return html`<rect x=${at + 0.1} y=${TALL - height} width="0.8" height=${height} />`;
    })}
  </svg>`;
}
