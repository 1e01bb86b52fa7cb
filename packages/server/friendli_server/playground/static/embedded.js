/**
 * The parameters that the server writes into its pictures: EXIF's user comment in a JPEG, a text
 * chunk in a PNG, both in the form that tools of the field share (the prompt, then `Key: value`
 * pairs). Reads bytes only; never trusts a length it was given.
 */
import { parametersFrom } from "./parameters.js";

const SOS = 0xffda;
const APP1 = 0xffe1;
const EXIF_IFD = 0x8769;
const USER_COMMENT = 0x9286;
const KEYS = { Steps: "num_inference_steps", "CFG scale": "guidance_scale", Seed: "seed", Adapter: "model" };

/**
 * @param {Uint8Array} file
 * @returns {import("./parameters.js").Parameters|null}  null if there are none
 */
export function parametersIn(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    const isPng = view.getUint32(0) === 0x89504e47;
    return parse(isPng ? pngText(view) : jpegComment(view));
  } catch (error) {
    if (error instanceof RangeError) return null; // a length pointed past the end
    throw error;
  }
}

/** @param {string} text */
function parse(text) {
  const at = text.lastIndexOf("\nSteps: ");
  if (at < 0) return null;
  const pairs = text.slice(at + 1).split(", ").map((pair) => pair.split(": "));
  const known = pairs.filter(([key]) => key in KEYS).map(([key, value]) => [KEYS[key], value]);
  return parametersFrom({ prompt: text.slice(0, at), ...Object.fromEntries(known) });
}

/** The PNG text under `parameters`, from an uncompressed tEXt or iTXt chunk. @param {DataView} view */
function pngText(view) {
  for (let at = 8; at + 12 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const [length, type] = [view.getUint32(at), read(view, [at + 4, 4])];
    if (type !== "tEXt" && type !== "iTXt") continue;
    const [key, ...rest] = read(view, [at + 8, length]).split("\0");
    if (key === "parameters") return rest.at(-1) ?? "";
  }
  return "";
}

/** @param {DataView} view */
function jpegComment(view) {
  for (let at = 2; view.getUint16(at) !== SOS; at += 2 + view.getUint16(at + 2)) {
    if (view.getUint16(at) < 0xff00) return "";
    if (view.getUint16(at) === APP1 && read(view, [at + 4, 4]) === "Exif") return exifComment(view, at + 10);
  }
  return "";
}

/** The user comment of a TIFF block that begins at `start`. @param {DataView} view @param {number} start */
function exifComment(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const word = (/** @type {number} */ at) => view.getUint32(start + at, little);
  const entry = (/** @type {number} */ directory, /** @type {number} */ tag) => {
    const count = view.getUint16(start + directory, little);
    const at = Array.from({ length: count }, (_, i) => directory + 2 + 12 * i);
    return at.find((at) => view.getUint16(start + at, little) === tag);
  };
  const pointer = entry(word(4), EXIF_IFD);
  const comment = pointer === undefined ? undefined : entry(word(pointer + 8), USER_COMMENT);
  if (comment === undefined) return "";
  const text = [start + word(comment + 8) + 8, word(comment + 4) - 8];
  return read(view, /** @type {[number, number]} */ (text), "utf-16be");
}

/** @param {DataView} view @param {[number, number]} span  offset and length @param {string} coding */
function read(view, [offset, length], coding = "utf-8") {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  return new TextDecoder(coding).decode(bytes);
}
