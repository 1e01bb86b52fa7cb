/** The pictures that go in: one to edit and its mask, one for each ControlNet. Knows no network. */
import { attach, attachEdges, attachFile, detach, weigh } from "../actions.js";
import { EDIT, MASK } from "../inputs.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { MaskPad } from "./maskpad.js";
import { PALETTES, Sketchpad } from "./sketchpad.js";

const HINTS = { [MASK]: "The whole picture is edited. Paint over the part to change, or drop a mask: white, or transparent, is painted anew." };
const ALTS = { [EDIT]: "To edit", [MASK]: "The mask: what is white is painted anew" };

/** @param {import("../actions.js").State} state */
export function InputsFold({ inputs, capabilities: { edits, inpaints, controls } }) {
  if (!edits && !controls.length) return null;
  const count = Object.keys(inputs).length;
  const edited = inputs[EDIT]?.url;
  return html`<details class="fold">
    <summary>Pictures in<span class="gist">${count ? `${count} given` : ""}</span></summary>
    <div class="inputs">
      ${edits && html`<${Slot} slot=${EDIT} title="Picture to edit" input=${inputs[EDIT]} />`}
      ${inpaints &&
      edited &&
      html`<${Slot} key=${edited} slot=${MASK} title="Where to paint" input=${inputs[MASK]} under=${edited} />`}
      ${controls.map((net) => html`<${Slot} key=${net} slot=${net} title=${`Control: ${net}`} input=${inputs[net]} />`)}
    </div>
  </details>`;
}

/** @param {{slot: string, title: string, input?: import("../inputs.js").Input, under?: string}} props */
function Slot({ slot, title, input, under }) {
  const [drawing, setDrawing] = useState(false);
  const onDrop = (/** @type {DragEvent} */ event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    document.body.classList.remove("dropping");
    attachFile(slot, file);
  };
  const done = (/** @type {string} */ url) => (attach(slot, url), setDrawing(false));
  return html`<section class="slot" aria-label=${title} onDrop=${onDrop}>
    <h3>${title}</h3>
    ${drawing
      ? under
        ? html`<${MaskPad} picture=${under} onDone=${done} />`
        : html`<${Sketchpad} kind=${kindOf(slot)} onDone=${done} />`
      : html`<${Shown} slot=${slot} input=${input} />
          <div class="actions">
            <${Choose} slot=${slot} title=${title} />
            ${slot !== EDIT && html`<button type="button" onClick=${() => setDrawing(true)}>${under ? "Paint…" : "Draw…"}</button>`}
          </div>`}
  </section>`;
}

/** @param {{slot: string, input?: import("../inputs.js").Input}} props */
function Shown({ slot, input }) {
  if (!input) return html`<p class="hint">${HINTS[slot] ?? "Drop a picture here."}</p>`;
  const steers = slot !== EDIT && slot !== MASK;
  const onInput = (/** @type {any} */ event) => weigh(slot, Number(event.target.value));
  return html`<img src=${input.url} alt=${ALTS[slot] ?? `Control picture, ${slot}`} />
    ${steers &&
    html`<label>Weight ${input.weight}
        <input type="range" min="0" max="1" step="0.05" value=${input.weight} onInput=${onInput} />
      </label>`}
    <div class="actions">
      ${kindOf(slot) === "edges" &&
      steers &&
      html`<button type="button" onClick=${() => attachEdges(slot)}>Take its edges</button>`}
      <button type="button" onClick=${() => detach(slot)}>Remove</button>
    </div>`;
}

/** @param {{slot: string, title: string}} props */
function Choose({ slot, title }) {
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const choose = (/** @type {any} */ { target }) => {
    if (target.files[0]) attachFile(slot, target.files[0]);
    target.value = "";
  };
  return html`<button type="button" onClick=${() => input.current?.click()}>Choose…</button>
    <input ref=${input} type="file" accept="image/*" aria-label=${`File: ${title}`} hidden onChange=${choose} />`;
}

/** What is drawn for a ControlNet of this name. @param {string} net @returns {keyof typeof PALETTES} */
function kindOf(net) {
  return net in PALETTES ? /** @type {any} */ (net) : "edges";
}
