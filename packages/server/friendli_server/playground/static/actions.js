/**
 * Everything a person can do here, and the state it changes. Knows no element.
 *
 * @typedef {import("./run.js").Shot} Shot
 * @typedef {import("./shelf.js").Picture} Picture
 * @typedef {import("./parameters.js").Parameters} Parameters
 * @typedef {import("./parameters.js").Draft} Draft
 * @typedef {import("./parameters.js").Faults} Faults
 *
 * @typedef {object} State
 * @property {Draft} draft
 * @property {Faults} faults  shown after an attempt to generate
 * @property {import("./inputs.js").Inputs} inputs  pictures that go in, by slot
 * @property {import("./capabilities.js").Capabilities} capabilities
 * @property {Shot[]} shots  of the latest run
 * @property {AbortController|null} running
 * @property {Picture[]} gallery  newest first
 * @property {string|null} viewing  id of the picture that is open
 * @property {string} notice  what went wrong, for the person to read
 * @property {string} news  what just happened, for those who listen
 */
import { askServer, UNKNOWN } from "./capabilities.js";
import { record } from "./diary.js";
import { parametersIn } from "./embedded.js";
import { EDIT, inputsOf, MASK, withInputs } from "./inputs.js";
import { setKey } from "./key.js";
import { draftOf, EMPTY, fromHash, plan, toHash } from "./parameters.js";
import { edgesOf, readMask, readPicture } from "./raster.js";
import { runAll } from "./run.js";
import * as shelf from "./shelf.js";
import { createStore } from "./store.js";

/** How often an unready server is asked again, in milliseconds. */
const ASK_AGAIN = 1000;
/** Files beyond this are not from here, and reading them would stall the page. */
const MAX_FILE = 50 * 2 ** 20;
const NUMERIC = /** @type {const} */ (["num_inference_steps", "guidance_scale", "seed"]);

export const store = createStore(
  /** @type {State} */ ({
    draft: EMPTY,
    faults: {},
    inputs: {},
    capabilities: UNKNOWN,
    shots: [],
    running: null,
    gallery: [],
    viewing: null,
    notice: "",
    news: "",
  }),
);
const { get, set } = store;

/** Read the address, the shelf and the server; go on asking the server until it is ready. */
export async function begin() {
  openLink();
  addEventListener("hashchange", openLink);
  shelf.load().then((kept) => set({ gallery: [...get().gallery, ...kept] }));
  await refresh();
  openLink();
}

let nextAsk = 0;
async function refresh() {
  const capabilities = await askServer();
  set({ capabilities });
  clearTimeout(nextAsk);
  if (!capabilities.ready && capabilities.status !== "locked") nextAsk = setTimeout(refresh, ASK_AGAIN);
}

/** Try again with this key. @param {string} key */
export async function unlock(key) {
  setKey(key);
  await refresh();
  openLink();
}

function openLink() {
  const base = { ...EMPTY, ...get().capabilities.defaults };
  if (location.hash.slice(1) !== toHash(get().draft)) set({ draft: fromHash(location.hash, base) });
}

/** @param {Partial<Draft>} changes */
export function edit(changes) {
  const draft = { ...get().draft, ...changes };
  const still = Object.entries(get().faults).filter(([field]) => !(field in changes));
  set({ draft, faults: Object.fromEntries(still) });
  history.replaceState(null, "", `#${toHash(draft)}`);
}

/** Turn lists of values on, with a first list to play with, or off, keeping each first value. */
export function toggleCompare() {
  const { draft } = get();
  if (!draft.compare) return edit({ compare: true, seed: draft.seed || "1-3" });
  const first = (/** @type {string} */ text) => /^\s*([\d.]*\d)?/.exec(text)?.[1] ?? "";
  const single = Object.fromEntries(NUMERIC.map((field) => [field, first(draft[field])]));
  return edit({ compare: false, ...single });
}

/** Make what the form asks for; resolves when all pictures are there, failed or cancelled. */
export async function start() {
  const { inputs, capabilities } = get();
  const { wanted: plain, faults } = plan(get().draft);
  const wanted = plain.map((parameters) => withInputs(parameters, inputs, capabilities.controls));
  set({ faults, notice: "" });
  if (!wanted.length || get().running || !get().capabilities.ready) return;
  const running = new AbortController();
  const count = wanted.length === 1 ? "a picture" : `${wanted.length} pictures`;
  set({ running, shots: comparable(wanted).map(waiting), news: `Making ${count}.` });
  await runAll(get().shots, { service: capabilities.service, signal: running.signal, onChange: changeShot });
  set({ running: null, news: outcome(get().shots) });
}

/** Several pictures without a seed share one, so that only what was asked for varies. */
function comparable(/** @type {Parameters[]} */ wanted) {
  if (wanted.length === 1) return wanted;
  const seed = Math.floor(Math.random() * 2 ** 32);
  return wanted.map((parameters) => ({ ...parameters, seed: parameters.seed ?? seed }));
}

/** @param {Parameters} parameters @returns {Shot} */
function waiting(parameters) {
  return { parameters, status: "waiting" };
}

/** @param {number} index @param {Partial<Shot>} change */
function changeShot(index, change) {
  set({ shots: get().shots.map((shot, at) => (at === index ? { ...shot, ...change } : shot)) });
  if (change.picture) addPicture(change.picture);
  if (!change.error) return;
  set({ notice: explain(change.error), faults: faultOf(change.error) });
  refresh();
}

/** @param {Picture} picture */
function addPicture(picture) {
  shelf.keep(picture);
  record(picture);
  const [kept, old] = split([picture, ...get().gallery], shelf.KEPT);
  old.forEach(forget);
  set({ gallery: kept });
}

/** @template T @param {T[]} list @param {number} at @returns {[T[], T[]]} */
function split(list, at) {
  return [list.slice(0, at), list.slice(at)];
}

/** @param {Picture} picture */
function forget(picture) {
  shelf.remove(picture.id);
  URL.revokeObjectURL(picture.url);
}

/** @param {any} error */
function explain(error) {
  if (error instanceof TypeError) return "The server cannot be reached. Is it running?";
  return error.requestId ? `${error.message} (request ${error.requestId})` : error.message;
}

/** @param {any} error @returns {Faults} */
function faultOf(error) {
  return error.param in EMPTY ? { [error.param]: error.message } : {};
}

/** @param {Shot[]} shots */
function outcome(shots) {
  const done = shots.filter((shot) => shot.status === "done").length;
  if (shots.some((shot) => shot.status === "cancelled")) return `Cancelled; ${done} finished.`;
  if (done < shots.length) return `${shots.length - done} failed, ${done} finished.`;
  return done === 1 ? "The picture is finished." : `All ${done} pictures are finished.`;
}

export function cancel() {
  get().running?.abort();
}

/** @param {string|null} id */
export function view(id) {
  set({ viewing: id });
}

/**
 * Let a picture go in: to be edited, perhaps with a mask, or into a ControlNet; never both. A mask
 * belongs to one picture and leaves with it.
 * @param {string} slot @param {string} url
 */
export function attach(slot, url) {
  const { [EDIT]: edited, [MASK]: _, ...controls } = get().inputs;
  const weight = get().inputs[slot]?.weight ?? 1;
  const beside = { [EDIT]: {}, [MASK]: { [EDIT]: edited } }[slot] ?? controls;
  set({ inputs: { ...beside, [slot]: { url, weight } } });
}

/** @param {string} slot @param {Blob} file */
export async function attachFile(slot, file) {
  try {
    attach(slot, await (slot === MASK ? readMask(file, get().inputs[EDIT].url) : readPicture(file)));
  } catch (error) {
    const shape = error instanceof RangeError;
    set({ notice: shape ? "The mask has another shape than the picture." : "This file is no picture that the browser can read." });
  }
}

/** Edit a picture that was made here. @param {Picture} picture */
export async function editPicture({ blob }) {
  set({ viewing: null });
  edit({ prompt: "" });
  await attachFile(EDIT, blob);
  set({ news: "The form holds the picture to edit." });
}

/** Replace the picture of a ControlNet by its outlines. @param {string} slot */
export async function attachEdges(slot) {
  attach(slot, await edgesOf(get().inputs[slot].url));
}

/** @param {string} slot @param {number} weight */
export function weigh(slot, weight) {
  const { inputs } = get();
  set({ inputs: { ...inputs, [slot]: { ...inputs[slot], weight } } });
}

/** @param {string} slot */
export function detach(slot) {
  const { [slot]: _, ...inputs } = get().inputs;
  if (slot === EDIT) delete inputs[MASK];
  set({ inputs });
}

/** Fill the form with a picture's parameters. @param {Parameters} parameters */
export function reuse(parameters) {
  edit(draftOf(parameters));
  set({ inputs: inputsOf(parameters, get().capabilities.controls) });
  set({ viewing: null, news: "The form holds the picture's settings." });
}

/** Make the same again with another seed. @param {Parameters} parameters */
export function vary({ seed: _, ...rest }) {
  reuse(rest);
  return start();
}

/** @param {Picture} picture */
export function remove(picture) {
  const gallery = get().gallery.filter(({ id }) => id !== picture.id);
  set({ gallery, viewing: null, shots: get().shots.map(without(picture)), news: "Deleted." });
  forget(picture);
}

/** @param {Picture} picture @returns {(shot: Shot) => Shot} */
function without({ id }) {
  return (shot) => (shot.picture?.id === id ? { ...waiting(shot.parameters), status: "deleted" } : shot);
}

export async function clearGallery() {
  await shelf.clear();
  for (const { url } of get().gallery) URL.revokeObjectURL(url);
  set({ gallery: [], shots: get().running ? get().shots : [], viewing: null, news: "The gallery is empty." });
}

/** Fill the form from a picture file that was made here. @param {File} file */
export async function openFile(file) {
  const bytes = file.size > MAX_FILE ? new Uint8Array(8) : new Uint8Array(await file.arrayBuffer());
  const parameters = parametersIn(bytes);
  if (parameters) reuse(parameters);
  set({ notice: parameters ? "" : "This file holds no settings of a picture made here." });
}
