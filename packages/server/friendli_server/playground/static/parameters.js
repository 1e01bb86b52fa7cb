/**
 * What a picture is made from, in the API's own words, and the form that asks for it as text.
 * Knows the API's ranges; knows neither the network nor the page.
 *
 * @typedef {object} Parameters  the body of a request; with an `image` it is an edit
 * @property {string} prompt
 * @property {number} num_inference_steps  1 .. 50
 * @property {number} [guidance_scale]  0 .. 100; absent: the server's choice
 * @property {number} [seed]  0 .. 2^53-1; the server draws one if it is absent
 * @property {string} [model]  an adapter's route; absent: the base model
 * @property {{image: string}} [image]  the picture to edit, as a data URI
 * @property {{image: string}} [mask]  where to paint into that picture, as a data URI
 * @property {{image: string}[]} [control_images]  one for each ControlNet
 * @property {number[]} [controlnet_weights]  0 .. 1, one for each control picture
 *
 * @typedef {object} Draft  the form: every field as typed. With `compare`, the numeric fields hold lists
 * @property {string} prompt
 * @property {string} num_inference_steps
 * @property {string} guidance_scale
 * @property {string} seed  empty: drawn anew for each picture
 * @property {string} model  empty: the base model
 * @property {boolean} compare
 *
 * @typedef {Partial<Record<keyof Draft, string>>} Faults  what is wrong, by field
 */
import { parseValues } from "./values.js";

export const NUMBERS = {
  num_inference_steps: { label: "Steps", min: 1, max: 50, step: 1, slideTo: 50 },
  guidance_scale: { label: "Guidance", min: 0, max: 100, step: 0.1, slideTo: 20 },
  seed: { label: "Seed", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
};
export const MAX_PROMPT = 10_000;
export const MAX_PICTURES = 64;

/** @type {Draft} */
export const EMPTY = {
  prompt: "",
  num_inference_steps: "20",
  guidance_scale: "0",
  seed: "",
  model: "",
  compare: false,
};

/**
 * The pictures that a draft asks for: seeds vary fastest, then guidance, then steps.
 * @param {Draft} draft
 * @returns {{wanted: Parameters[], faults: Faults}}  `wanted` is empty if there are faults
 */
export function plan(draft) {
  /** @type {Faults} */
  const faults = {};
  if (!draft.prompt.trim()) faults.prompt = "Say what the picture should show.";
  if (draft.prompt.length > MAX_PROMPT) faults.prompt = `At most ${MAX_PROMPT} characters.`;
  /** @param {keyof typeof NUMBERS} name */
  const values = (name) => {
    const { values, fault } = parseValues(draft[name], NUMBERS[name]);
    if (fault) faults[name] = fault;
    else if (!draft.compare && values.length > 1) faults[name] = "One number only.";
    return values;
  };
  const steps = values("num_inference_steps");
  const guidances = draft.guidance_scale.trim() ? values("guidance_scale") : [undefined];
  const seeds = draft.seed.trim() ? values("seed") : [undefined];
  const count = steps.length * guidances.length * seeds.length;
  if (count > MAX_PICTURES) faults.seed = `${count} pictures; at most ${MAX_PICTURES} at once.`;
  if (Object.keys(faults).length) return { wanted: [], faults };
  const wanted = steps.flatMap((num_inference_steps) =>
    guidances.flatMap((guidance_scale) =>
      seeds.map((seed) => compact({ ...draft, num_inference_steps, guidance_scale, seed })),
    ),
  );
  return { wanted, faults };
}

/** @param {any} given @returns {Parameters} */
function compact({ prompt, num_inference_steps, guidance_scale, seed, model }) {
  return {
    prompt: prompt.trim(),
    num_inference_steps,
    ...(guidance_scale === undefined ? {} : { guidance_scale }),
    ...(seed === undefined ? {} : { seed }),
    ...(model ? { model } : {}),
  };
}

/** The form that asks for exactly one picture again. @param {Parameters} p @returns {Draft} */
export function draftOf(p) {
  return {
    prompt: p.prompt,
    num_inference_steps: String(p.num_inference_steps),
    guidance_scale: String(p.guidance_scale ?? ""),
    seed: p.seed === undefined ? "" : String(p.seed),
    model: p.model ?? "",
    compare: false,
  };
}

/** Parameters out of anything that claims to be some; null if it is none. @param {any} found */
export function parametersFrom(found) {
  if (typeof found?.prompt !== "string") return null;
  const text = (/** @type {unknown} */ value) => (value === undefined ? "" : String(value));
  const { wanted } = plan({
    prompt: found.prompt,
    num_inference_steps: text(found.num_inference_steps),
    guidance_scale: text(found.guidance_scale),
    seed: text(found.seed),
    model: typeof found.model === "string" ? found.model : "",
    compare: false,
  });
  return wanted[0] ?? null;
}

/** The draft as a URL fragment that means the same on every server. @param {Draft} draft */
export function toHash(draft) {
  const given = Object.entries(draft).filter(([, value]) => value);
  return new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
}

/** The draft that a URL fragment describes. @param {string} hash @param {Draft} base @returns {Draft} */
export function fromHash(hash, base) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const draft = { ...base };
  for (const key of Object.keys(EMPTY)) if (given.has(key)) draft[key] = given.get(key);
  return { ...draft, compare: String(draft.compare) === "true" };
}
