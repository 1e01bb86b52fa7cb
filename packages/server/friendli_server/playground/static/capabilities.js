/**
 * What the served model can do: the only place in the page that asks. Every control that depends
 * on the server is shown or hidden by what this returns.
 *
 * @typedef {object} Capabilities
 * @property {boolean} ready  whether a picture can be asked for now
 * @property {string} status  "ready", "starting", "draining", …, "locked" (a key is needed) or "unreachable"
 * @property {string} model  the model's id; empty until it is ready
 * @property {string[]} adapters  routes that `model` accepts besides the base
 * @property {Partial<import("./parameters.js").Draft>} defaults  the API's, as the form's texts
 */
import { ApiError, GENERATIONS, getJson } from "./api.js";

/** @type {Capabilities} */
export const UNKNOWN = { ready: false, status: "starting", model: "", adapters: [], defaults: {} };

/** @returns {Promise<Capabilities>} */
export async function askServer() {
  try {
    const [health, api] = await Promise.all([getJson("/health"), getJson("/openapi.json")]);
    const models = health.model ? await getJson("/v1/models") : null;
    const ids = (models?.data ?? []).map((/** @type {{id: string}} */ model) => model.id);
    return {
      ready: health.status === "ready",
      status: health.status,
      model: health.model ?? "",
      adapters: ids.filter((/** @type {string} */ id) => id !== health.model),
      defaults: defaultsOf(api),
    };
  } catch (error) {
    return { ...UNKNOWN, status: error instanceof ApiError ? "locked" : "unreachable" };
  }
}

/** @param {any} api  the OpenAPI document */
function defaultsOf(api) {
  const body = api.paths[GENERATIONS].post.requestBody.content["application/json"].schema.$ref;
  const { properties } = api.components.schemas[body.split("/").at(-1)];
  const names = ["num_inference_steps", "guidance_scale"];
  return Object.fromEntries(names.map((name) => [name, String(properties[name].default)]));
}
