/**
 * How several pictures are laid out to be compared. Knows parameters, no elements.
 *
 * @typedef {import("./run.js").Shot} Shot
 * @typedef {{columns: string[], rows: {label: string, shots: Shot[]}[]}} Table
 */

/** From the fastest to the slowest, the order in which `plan` varies them. */
const AXES = /** @type {const} */ ({
  seed: "seed",
  guidance_scale: "guidance",
  num_inference_steps: "steps",
});

/** The fastest axis that varies runs across, the others run down. @param {Shot[]} shots @returns {Table} */
export function arrange(shots) {
  const [across, ...down] = Object.keys(AXES).filter((axis) => distinct(shots, axis).length > 1);
  const columns = distinct(shots, across);
  /** @type {Shot[][]} */
  const rows = [];
  for (let at = 0; at < shots.length; at += columns.length) {
    rows.push(shots.slice(at, at + columns.length));
  }
  return {
    columns: columns.map((value) => `${AXES[across]} ${value}`),
    rows: rows.map((row) => ({ label: down.map((axis) => named(row[0], axis)).join(", "), shots: row })),
  };
}

/** @param {Shot[]} shots @param {string} axis */
function distinct(shots, axis) {
  return [...new Set(shots.map((shot) => shot.parameters[axis]))];
}

/** @param {Shot} shot @param {string} axis */
function named(shot, axis) {
  return `${AXES[axis]} ${shot.parameters[axis]}`;
}
