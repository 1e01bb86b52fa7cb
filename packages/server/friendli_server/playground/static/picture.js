/**
 * From an answer to a picture that can be kept. Knows nothing of where pictures are kept or shown.
 */

/**
 * @param {import("./api.js").Answer} answer
 * @param {{parameters: import("./parameters.js").Parameters, seconds: number}} asked
 * @returns {Promise<import("./shelf.js").Picture>}
 */
export async function pictureOf({ image, seed }, { parameters, seconds }) {
  const bytes = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
  const blob = new Blob([bytes], { type: "image/jpeg" });
  const { width, height } = await createImageBitmap(blob);
  const made = Date.now();
  const id = `${made.toString(36)}-${seed}-${Math.random().toString(36).slice(2, 8)}`;
  const url = URL.createObjectURL(blob);
  return { id, parameters: { ...parameters, seed }, width, height, seconds, made, blob, url };
}

/** A file name that tells the subject. @param {import("./shelf.js").Picture} picture */
export function fileName({ parameters: { prompt, seed } }) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["picture"];
  return `${words.slice(0, 6).join("-").slice(0, 60)}-${seed}.jpg`;
}
