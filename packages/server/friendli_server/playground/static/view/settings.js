/** The folded part of the form: numbers, adapter, and whether to compare. Knows no network. */
import { edit, toggleCompare } from "../actions.js";
import { NUMBERS } from "../parameters.js";
import { html } from "../vendor/preact.js";
import { described, Fault } from "./fault.js";

/** The settings in a few words. @param {import("../parameters.js").Draft} draft */
export function summary({ num_inference_steps, guidance_scale, seed, model }) {
  const parts = [
    `${num_inference_steps} steps`,
    guidance_scale && `guidance ${guidance_scale}`,
    seed ? `seed ${seed}` : "random seed",
    model,
  ];
  return parts.filter(Boolean).join(" · ");
}

export function Settings({ draft, faults, capabilities: { adapters, service } }) {
  return html`<div class="settings">
    ${Object.keys(NUMBERS).map(
      (name) => html`<${NumberField} key=${name} name=${name} draft=${draft} faults=${faults} />`,
    )}
    ${adapters.length > 0 && html`<${ModelField} draft=${draft} faults=${faults} names=${adapters} gateway=${service.gateway} />`}
    <label class="switch">
      <input type="checkbox" role="switch" checked=${draft.compare} onChange=${toggleCompare} />
      <span>Compare</span>
    </label>
    <p class="hint">
      ${draft.compare
        ? "Lists and ranges, like 5, 10, 20 or 1-4: one picture for each combination."
        : "Off: one picture. On: lists of values, and a grid of pictures."}
    </p>
  </div>`;
}

function NumberField({ name, draft, faults }) {
  const { label, slideTo, ...limits } = NUMBERS[name];
  const onInput = (/** @type {any} */ event) => edit({ [name]: event.target.value });
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <input
      id=${name}
      inputmode=${draft.compare ? "text" : "decimal"}
      autocomplete="off"
      placeholder=${name === "seed" ? "random" : ""}
      value=${draft[name]}
      onInput=${onInput}
      ...${described(name, faults)}
    />
    ${slideTo &&
    !draft.compare &&
    html`<input
      type="range"
      aria-label=${`${label}, slider`}
      ...${limits}
      max=${slideTo}
      value=${draft[name]}
      onInput=${onInput}
    />`}
    <${Fault} field=${name} faults=${faults} />
  </div>`;
}

/** Adapters of a container's model, of which none need be taken, or endpoints of a gateway. */
function ModelField({ draft, faults, names, gateway }) {
  return html`<div class="field">
    <label for="model">${gateway ? "Endpoint" : "Adapter"}</label>
    <select
      id="model"
      value=${draft.model}
      onChange=${(event) => edit({ model: event.target.value })}
      ...${described("model", faults)}
    >
      ${!gateway && html`<option value="">none</option>`}
      ${names.map((route) => html`<option key=${route} value=${route}>${route}</option>`)}
    </select>
    <${Fault} field="model" faults=${faults} />
  </div>`;
}
