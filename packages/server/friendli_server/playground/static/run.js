/**
 * Many pictures at once, each with its progress. Knows nothing of how they are shown.
 *
 * @typedef {import("./service.js").Service} Service
 * @typedef {object} Shot  one picture in the making
 * @property {import("./parameters.js").Parameters} parameters
 * @property {"waiting"|"queued"|"running"|"done"|"failed"|"cancelled"|"deleted"} status
 * @property {number} [position]  others ahead in the server's queue
 * @property {number} [step]
 * @property {number} [steps]
 * @property {number|null} [eta]  seconds
 * @property {string} [preview]  a data URI
 * @property {import("./shelf.js").Picture} [picture]
 * @property {Error} [error]
 */
import { generate } from "./api.js";
import { pictureOf } from "./picture.js";

/** Browsers open six HTTP/1.1 connections to a host; a seventh request would only wait inside. */
const LANES = 6;

/** @type {Record<string, (data: any) => Partial<Shot>>} */
const CHANGES = {
  queued: ({ position, eta }) => ({ status: "queued", position, eta }),
  progress: ({ step, steps, eta }) => ({ status: "running", step, steps, eta }),
  preview: ({ image }) => ({ preview: `data:image/jpeg;base64,${image}` }),
};

/**
 * @param {Shot[]} shots
 * @param {{service: Service, signal: AbortSignal, onChange: (index: number, change: Partial<Shot>) => void}} options
 */
export async function runAll(shots, { onChange, ...options }) {
  const waiting = shots.entries();
  const lane = async () => {
    for (const [index, { parameters }] of waiting) {
      await runOne(parameters, { ...options, onChange: (change) => onChange(index, change) });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/**
 * @param {import("./parameters.js").Parameters} parameters
 * @param {{service: Service, signal: AbortSignal, onChange: (change: Partial<Shot>) => void}} options
 */
async function runOne(parameters, { service, signal, onChange }) {
  const started = performance.now();
  try {
    const onEvent = (/** @type {string} */ name, /** @type {any} */ data) =>
      onChange(CHANGES[name]?.(data) ?? {});
    const answer = await generate(parameters, { service, signal, onEvent });
    const seconds = (performance.now() - started) / 1000;
    onChange({ status: "done", picture: await pictureOf(answer, { parameters, seconds }) });
  } catch (error) {
    if (signal.aborted) onChange({ status: "cancelled" });
    else onChange({ status: "failed", error: /** @type {Error} */ (error) });
  }
}
