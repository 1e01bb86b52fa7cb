/**
 * What the served model can do: the only place in the page that asks. Every control that depends
 * on the server is shown or hidden by what this returns.
 *
 * @typedef {object} Capabilities
 * @property {boolean} ready  whether a picture can be asked for now
 * @property {string} status  "ready", "starting", "draining", …, "locked" (a key is needed) or "unreachable"
 * @property {string} model  the model's id; empty until it is ready
 * @property {string[]} adapters  routes that `model` accepts besides the base
 * @property {Partial<import("./parameters.js").Draft>} defaults  the model's own, else the API's, as the form's texts
 * @property {boolean} edits  whether it takes a picture to edit
 * @property {string[]} controls  its ControlNets, in their order
 * @property {boolean} room  whether the server tells what its engine does
 */
import { ApiError, GENERATIONS, getJson } from "./api.js";
import { ENGINE } from "./room.js";

/** @type {Capabilities} */
export const UNKNOWN = {
  ready: false,
  status: "starting",
  model: "",
  adapters: [],
  defaults: {},
  edits: false,
  controls: [],
  room: false,
};

/** @returns {Promise<Capabilities>} */
export async function askServer() {
  try {
    const [health, api] = await Promise.all([getJson("/health"), getJson("/openapi.json")]);
    const models = health.model ? await getJson("/v1/models") : null;
    const [base, ...adapters] = models?.data ?? [];
    return {
      ready: health.status === "ready",
      status: health.status,
      model: health.model ?? "",
      adapters: adapters.map((/** @type {{id: string}} */ { id }) => id),
      defaults: { ...defaultsOf(api), ...preferred(base?.defaults ?? {}) },
      edits: base?.edits ?? false,
      controls: base?.controls ?? [],
      room: ENGINE in api.paths,
    };
  } catch (error) {
    return { ...UNKNOWN, status: error instanceof ApiError ? "locked" : "unreachable" };
  }
}

/** What the model was made for. @param {any} given */
function preferred(given) {
  const names = ["num_inference_steps", "guidance_scale"].filter((name) => name in given);
  return Object.fromEntries(names.map((name) => [name, String(given[name])]));
}

/** @param {any} api  the OpenAPI document */
function defaultsOf(api) {
  const body = api.paths[GENERATIONS].post.requestBody.content["application/json"].schema.$ref;
  const { properties } = api.components.schemas[body.split("/").at(-1)];
  const names = ["num_inference_steps", "guidance_scale"];
  return Object.fromEntries(names.map((name) => [name, String(properties[name].default)]));
}
