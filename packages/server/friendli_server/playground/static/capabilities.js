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
 * @property {boolean} edits  whether it takes a picture to edit, if only with a mask
 * @property {boolean} inpaints  whether it takes a mask beside it
 * @property {string[]} controls  its ControlNets, in their order
 * @property {import("./service.js").Service} service
 * @property {boolean} room  whether the server tells what its engine does
 */
import { ApiError, getJson } from "./api.js";
import { ENGINE } from "./room.js";
import { CONTAINER, pathOf, serviceOf } from "./service.js";

/** @type {Capabilities} */
export const UNKNOWN = {
  ready: false,
  status: "starting",
  model: "",
  adapters: [],
  defaults: {},
  edits: false,
  inpaints: false,
  controls: [],
  service: CONTAINER,
  room: false,
};
const ENDPOINTS = "/dedicated/beta/endpoint";

/** @returns {Promise<Capabilities>} */
export async function askServer() {
  try {
    const [health, api] = await Promise.all([getJson("/health"), getJson("/openapi.json")]);
    const service = serviceOf(api);
    const known = { ready: health.status === "ready", status: health.status, service };
    const told = service.gateway ? await askGateway() : await askContainer(health.model);
    const defaults = { ...defaultsOf(api, service), ...told.defaults };
    return { ...UNKNOWN, ...known, room: ENGINE in api.paths, ...told, defaults };
  } catch (error) {
    return { ...UNKNOWN, status: error instanceof ApiError ? "locked" : "unreachable" };
  }
}

/** @param {string|undefined} model  absent until it is loaded @returns {Promise<Partial<Capabilities>>} */
async function askContainer(model) {
  if (!model) return {};
  const [base, ...adapters] = (await getJson("/v1/models"))?.data ?? [];
  return {
    model,
    adapters: adapters.map((/** @type {{id: string}} */ { id }) => id),
    defaults: textsOf(base?.defaults ?? {}),
    edits: (base?.edits || base?.inpaints) ?? false,
    inpaints: base?.inpaints ?? false,
    controls: base?.controls ?? [],
  };
}

/** Endpoints are its models; what they can do is said by their answers. @returns {Promise<Partial<Capabilities>>} */
async function askGateway() {
  const endpoints = Object.keys((await getJson(ENDPOINTS))?.data ?? {});
  const [model = ""] = endpoints;
  return { ready: Boolean(model), model, adapters: endpoints, defaults: { model }, edits: true };
}

/** The API's own. @param {any} api @param {import("./service.js").Service} service */
function defaultsOf(api, service) {
  const body = api.paths[pathOf(service, false)].post.requestBody.content["application/json"].schema.$ref;
  const { properties } = api.components.schemas[body.split("/").at(-1)];
  return textsOf({
    num_inference_steps: properties.num_inference_steps.default,
    guidance_scale: properties.guidance_scale.default,
  });
}

/** Numbers as the form has them. @param {any} given */
function textsOf(given) {
  const names = ["num_inference_steps", "guidance_scale"].filter((name) => name in given);
  return Object.fromEntries(names.map((name) => [name, String(given[name] ?? "")]));
}
