/** One picture, in the making or made. Knows nothing of what surrounds it. */
import { view } from "../actions.js";
import { html } from "../vendor/preact.js";

/** @param {{shot: import("../run.js").Shot, eager?: boolean}} props */
export function Shot({ shot }) {
  const { status, picture, preview } = shot;
  if (picture) return html`<${Made} picture=${picture} />`;
  return html`<div class=${`shot ${status}`}>
    ${preview && html`<img class="preview" src=${preview} alt="" />`}
    <${Progress} ...${shot} />
  </div>`;
}

/** @param {{picture: import("../shelf.js").Picture}} props */
export function Made({ picture: { id, url, width, height, parameters } }) {
  return html`<button type="button" class="shot made" onClick=${() => view(id)}>
    <img src=${url} width=${width} height=${height} alt=${describe(parameters)} />
  </button>`;
}

/** The words that stand for a picture. @param {import("../parameters.js").Parameters} p */
export function describe({ prompt, seed, num_inference_steps, guidance_scale, model }) {
  const rest = `seed ${seed}, ${num_inference_steps} steps, guidance ${guidance_scale ?? "unsaid"}`;
  return `${prompt} (${rest}${model ? `, adapter ${model}` : ""})`;
}

/** @param {import("../run.js").Shot} shot */
function Progress({ status, step = 0, steps, eta, position }) {
  if (status === "running") {
    const left = eta ? ` · ${eta < 9.5 ? eta.toFixed(1) : Math.round(eta)} s` : "";
    return html`<div class="progress">
      <progress value=${step} max=${steps} aria-label="Steps"></progress>
      <span>${step}/${steps}${left}</span>
    </div>`;
  }
  const place = status === "queued" && position ? `${position} ahead` : status;
  return html`<div class="progress"><span>${place}</span></div>`;
}
