/**
 * Hands finished pictures to the command line's history, where browser and server share a machine.
 * The server decides whether it keeps any; the gallery does not depend on it.
 */
import { authorization } from "./key.js";
import { uriOf } from "./raster.js";

const PATH = "/playground/history";
const HERE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @param {import("./shelf.js").Picture} picture */
export async function record({ parameters, blob, width, height, seconds }) {
  if (!HERE.test(location.hostname)) return;
  const jpeg = (await uriOf(blob)).split(",")[1];
  const body = { asked: parameters, jpeg, width, height, seconds, server: location.origin };
  const headers = { ...authorization(), "Content-Type": "application/json" };
  await fetch(PATH, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => {});
}
