/**
 * Pictures that go into a picture: one to edit, perhaps with a mask, or one for each ControlNet.
 * Knows the API's words for them; knows neither files nor the page.
 *
 * @typedef {import("./parameters.js").Parameters} Parameters
 * @typedef {{url: string, weight: number}} Input  a data URI, and how much it counts (0 .. 1)
 * @typedef {Record<string, Input>} Inputs  by slot: `EDIT`, `MASK`, or a ControlNet's name
 */

/** The slot of the picture to edit; no ControlNet has an empty name. */
export const EDIT = "";
/** The slot of the mask that says where to paint; no ControlNet has such a name either. */
export const MASK = "\0";
/** Stands for the pictures of ControlNets that come before the one that is wanted. */
const BLANK =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR42mNgGB4AAADIAAGTvaWOAAAAAElFTkSuQmCC";

/**
 * @param {Parameters} parameters
 * @param {Inputs} inputs
 * @param {string[]} nets  the model's ControlNets, in their order
 * @returns {Parameters}
 */
export function withInputs(parameters, inputs, nets) {
  if (inputs[EDIT]) {
    const mask = inputs[MASK] && { mask: { image: inputs[MASK].url } };
    return { ...parameters, image: { image: inputs[EDIT].url }, ...mask };
  }
  const last = nets.findLastIndex((net) => inputs[net]);
  if (last < 0) return parameters;
  const used = nets.slice(0, last + 1).map((net) => inputs[net] ?? { url: BLANK, weight: 0 });
  return {
    ...parameters,
    control_images: used.map(({ url }) => ({ image: url })),
    controlnet_weights: used.map(({ weight }) => weight),
  };
}

/** The way back, to ask for the same again. @param {Parameters} parameters @param {string[]} nets */
export function inputsOf({ image, mask, control_images = [], controlnet_weights = [] }, nets) {
  /** @type {Inputs} */
  const inputs = image ? { [EDIT]: { url: image.image, weight: 1 } } : {};
  if (mask) inputs[MASK] = { url: mask.image, weight: 1 };
  control_images.forEach(({ image: url }, index) => {
    if (nets[index] && url !== BLANK) inputs[nets[index]] = { url, weight: controlnet_weights[index] ?? 1 };
  });
  return inputs;
}

/**
 * Names for the pictures that go in, for code that reads them from files.
 * @param {Parameters} parameters
 * @returns {{name: string, url: string}[]}
 */
export function filesOf({ image, mask, control_images = [] }) {
  const suffix = (/** @type {string} */ url) => (url.startsWith("data:image/jpeg") ? "jpg" : "png");
  if (image) {
    const before = { name: `before.${suffix(image.image)}`, url: image.image };
    return mask ? [before, { name: `mask.${suffix(mask.image)}`, url: mask.image }] : [before];
  }
  return control_images.map(({ image: url }, index) => ({ name: `control-${index + 1}.${suffix(url)}`, url }));
}
