/**
 * The image API as this page uses it. Knows HTTP and the names of the API; knows no element.
 *
 * @typedef {import("./parameters.js").Parameters} Parameters
 * @typedef {{image: string, seed: number}} Answer
 * @typedef {{position: number, eta: number|null}} Queued
 * @typedef {{step: number, steps: number, eta: number|null}} Progress
 * @typedef {{step: number, image: string, width: number, height: number}} Preview
 */
import { authorization } from "./key.js";
import { pathOf } from "./service.js";
import { readEvents } from "./sse.js";


/** An error answer: what happened, which field is at fault, and the id to look for in the log. */
export class ApiError extends Error {
  /** @param {{message?: string, error?: {param?: string|null, code?: string|null}, request_id?: string|null}} body */
  constructor(body) {
    super(body?.message ?? "The server answered in a way this page does not understand.");
    this.param = body?.error?.param ?? null;
    this.code = body?.error?.code ?? null;
    this.requestId = body?.request_id ?? null;
  }
}

/**
 * Make one picture, or edit one. Aborting `signal` closes the connection, which cancels the work on the server.
 *
 * @param {Parameters} parameters
 * @param {{service: import("./service.js").Service, signal: AbortSignal, onEvent: (name: "queued"|"progress"|"preview", data: any) => void}} options
 * @returns {Promise<Answer>}
 * @throws {ApiError} the server refused or failed
 * @throws {TypeError} the server cannot be reached
 */
export async function generate(parameters, { service, signal, onEvent }) {
  const response = await fetch(pathOf(service, Boolean(parameters.image)), {
    method: "POST",
    headers: { ...authorization(), "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ ...parameters, response_format: "jpeg", stream: true }),
    signal,
  });
  if (!response.ok || !response.body) throw new ApiError(await jsonOf(response));
  for await (const { name, data } of readEvents(response.body)) {
    if (name === "finished") return answerOf(data);
    if (name === "error") throw new ApiError(data);
    onEvent(/** @type {any} */ (name), data);
  }
  throw new ApiError({ message: "The server stopped before the picture was finished." });
}

/** A container's answer, or the first picture of a gateway's. @param {any} data @returns {Answer} */
function answerOf(data) {
  const [first] = data.data ?? [];
  return first ? { image: first.b64_json, seed: first.seed } : data;
}

/**
 * @param {string} path
 * @returns {Promise<any>}  the JSON of any answer, null if it is none
 * @throws {ApiError} a key is needed
 */
export async function getJson(path) {
  const response = await fetch(path, { headers: authorization() });
  const body = await jsonOf(response);
  if (response.status === 401) throw new ApiError(body);
  return body;
}

/** @param {Response} response @returns {Promise<any>} */
async function jsonOf(response) {
  return response.json().catch(() => null);
}
