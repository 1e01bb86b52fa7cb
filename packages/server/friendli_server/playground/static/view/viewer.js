/** One picture, large, with how it was made and what can be done with it. Knows no network. */
import { editPicture, remove, reuse, vary, view } from "../actions.js";
import { fileName } from "../picture.js";
import { html, useLayoutEffect, useRef } from "../vendor/preact.js";
import { Before } from "./before.js";
import { Code } from "./code.js";
import { describe } from "./shot.js";

const MOVES = { ArrowRight: 1, ArrowLeft: -1 };

/** @param {import("../actions.js").State} state */
export function Viewer({ gallery, viewing, capabilities, running }) {
  const dialog = useRef(/** @type {HTMLDialogElement|null} */ (null));
  const at = gallery.findIndex(({ id }) => id === viewing);
  const picture = gallery[at];
  useLayoutEffect(() => {
    if (picture && !dialog.current?.open) dialog.current?.showModal();
    if (!picture) dialog.current?.close();
  });
  const walk = (/** @type {KeyboardEvent} */ event) => {
    const inTabs = /** @type {Element} */ (event.target).closest("[role=tab], pre");
    const next = gallery[at + (MOVES[event.key] ?? 0)];
    if (!inTabs && next && next !== picture) view(next.id);
  };
  return html`<dialog ref=${dialog} class="viewer" aria-label="Picture" onClose=${() => view(null)} onKeyDown=${walk}>
    ${picture && html`<${Details} picture=${picture} capabilities=${capabilities} running=${running} />`}
  </dialog>`;
}

function Details({ picture, capabilities: { model, edits, service }, running }) {
  const { url, width, height, parameters } = picture;
  const shown = { url, width, height, alt: describe(parameters) };
  return html`${parameters.image
      ? html`<${Before} before=${parameters.image.image} ...${shown} />`
      : html`<img src=${url} width=${width} height=${height} alt=${shown.alt} />`}
    <div class="about">
      <h2>${parameters.prompt}</h2>
      <dl>
        ${facts(picture).map(
          ([name, value]) => html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
        )}
      </dl>
      <div class="actions">
        <button type="button" onClick=${() => reuse(parameters)}>Use settings</button>
        <button type="button" disabled=${running} onClick=${() => vary(parameters)}>New seed</button>
        ${edits && html`<button type="button" onClick=${() => editPicture(picture)}>Edit</button>`}
        <a class="button" href=${url} download=${fileName(picture)}>Download</a>
        <button type="button" class="danger" onClick=${() => remove(picture)}>Delete</button>
        <button type="button" onClick=${() => view(null)}>Close</button>
      </div>
      <${Code} name="picture" parameters=${parameters} model=${model} service=${service} />
    </div>`;
}

/** @param {import("../shelf.js").Picture} picture @returns {[string, string|number][]} */
function facts({ parameters, width, height, seconds, made }) {
  return [
    ["Steps", parameters.num_inference_steps],
    ["Guidance", parameters.guidance_scale ?? "unsaid"],
    ["Seed", String(parameters.seed)],
    ...(parameters.model ? [/** @type {[string, string]} */ (["Adapter", parameters.model])] : []),
    ["Size", `${width} × ${height}`],
    ["Time", `${seconds.toFixed(1)} s`],
    ["Made", new Date(made).toLocaleString()],
  ];
}
