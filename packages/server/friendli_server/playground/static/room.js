/**
 * What the engine does at this moment, from two looks at its counters. Knows the network, no element.
 *
 * @typedef {object} Room
 * @property {number} active  pictures being made
 * @property {number} queued  pictures that wait
 * @property {number|null} rows  rows in a forward since the last look; null if none ran
 * @property {number} stepSeconds  time of a denoiser step; 0 before the first
 * @property {number} finished  pictures since the engine started
 */
import { getJson } from "./api.js";

export const ENGINE = "/v1/engine";
const PERIOD = 1000;

/**
 * Look once a second, while the page is seen, until the returned function is called.
 * @param {(room: Room) => void} tell
 */
export function watchRoom(tell) {
  /** @type {any} */
  let before = null;
  let timer = 0;
  const look = async () => {
    const now = document.hidden ? null : await getJson(ENGINE).catch(() => null);
    if (now?.forwards !== undefined) {
      tell(between(before ?? now, now));
      before = now;
    }
    if (timer >= 0) timer = setTimeout(look, PERIOD);
  };
  look();
  return () => {
    clearTimeout(timer);
    timer = -1;
  };
}

/** @param {any} before @param {any} now @returns {Room} */
function between(before, now) {
  const forwards = now.forwards - before.forwards;
  return {
    active: now.active,
    queued: now.queued,
    rows: forwards > 0 ? (now.rows - before.rows) / forwards : null,
    stepSeconds: now.step_seconds,
    finished: now.finished,
  };
}
