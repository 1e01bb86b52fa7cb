/**
 * Which of the two servers is behind the page, and what it calls its paths. Knows no network.
 *
 * @typedef {object} Service
 * @property {string} prefix  of the image routes
 * @property {boolean} gateway  whether it passes on to endpoints, whose ids are its models
 */

/** @type {Service} */
export const CONTAINER = { prefix: "/v1", gateway: false };
/** @type {Service} */
const GATEWAY = { prefix: "/dedicated/v1", gateway: true };

/** @param {any} api  the OpenAPI document @returns {Service} */
export function serviceOf(api) {
  return `${GATEWAY.prefix}/images/generations` in api.paths ? GATEWAY : CONTAINER;
}

/** Where a picture is asked for. @param {Service} service @param {boolean} edit */
export function pathOf({ prefix }, edit) {
  return `${prefix}/images/${edit ? "edits" : "generations"}`;
}
