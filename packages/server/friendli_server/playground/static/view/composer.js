/** The form: the prompt first, everything else folded below it. Knows no network. */
import { cancel, edit, start, unlock } from "../actions.js";
import { EDIT, withInputs } from "../inputs.js";
import { plan } from "../parameters.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { Code } from "./code.js";
import { described, Fault } from "./fault.js";
import { InputsFold } from "./inputs.js";
import { Settings, summary } from "./settings.js";

const IDEAS = [
  "A red sports car in the snow at night",
  "A white sailboat on the ocean at sunset",
  "A pink castle in the forest at night",
];

/** @param {import("../actions.js").State} state */
export function Composer({ draft, faults, inputs, capabilities, running, notice, gallery, shots }) {
  const prompt = useRef(/** @type {HTMLTextAreaElement|null} */ (null));
  useEffect(() => prompt.current?.focus(), []);
  const fresh = !draft.prompt && !gallery.length && !shots.length;
  return html`<form class="composer" onSubmit=${submit} aria-label="Make a picture">
    <label class="hidden" for="prompt">Prompt</label>
    <textarea
      id="prompt"
      ref=${prompt}
      rows="2"
      placeholder=${inputs[EDIT] ? "What should change?" : "What should the picture show?"}
      value=${draft.prompt}
      onInput=${(event) => edit({ prompt: event.target.value })}
      onKeyDown=${submitOnEnter}
      ...${described("prompt", faults)}
    ></textarea>
    <${Fault} field="prompt" faults=${faults} />
    <div class="bar">
      <details class="fold">
        <summary>Settings<span class="gist">${summary(draft)}</span></summary>
        <${Settings} draft=${draft} faults=${faults} capabilities=${capabilities} />
      </details>
      <${InputsFold} inputs=${inputs} capabilities=${capabilities} />
      <details class="fold">
        <summary>Code</summary>
        <${DraftCode} draft=${draft} inputs=${inputs} capabilities=${capabilities} />
      </details>
      ${running
        ? html`<button type="button" class="main" onClick=${cancel}>Cancel <kbd>Esc</kbd></button>`
        : html`<button class="main" disabled=${!capabilities.ready}>${label(draft, inputs)} <kbd>↵</kbd></button>`}
    </div>
    ${notice && html`<p class="notice" role="alert">${notice}</p>`}
    ${capabilities.status === "locked" && html`<${Unlock} />`}
    ${fresh && html`<${Ideas} />`}
  </form>`;
}

/** @param {Event} event */
async function submit(event) {
  event.preventDefault();
  await start();
}

/** @param {KeyboardEvent} event */
function submitOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  start();
}

/** @param {import("../parameters.js").Draft} draft @param {import("../inputs.js").Inputs} inputs */
function label(draft, inputs) {
  const { wanted } = plan(draft);
  const verb = inputs[EDIT] ? "Edit" : "Generate";
  return wanted.length > 1 ? `${verb} ${wanted.length}` : verb;
}

/** Asks for the API key; shown only where the server wants one. */
function Unlock() {
  const onChange = (/** @type {any} */ event) => unlock(event.target.value);
  return html`<p class="unlock">
    <label for="key">API key</label>
    <input id="key" type="password" autocomplete="off" onChange=${onChange} />
    <span class="hint">kept in this tab only</span>
  </p>`;
}

function DraftCode({ draft, inputs, capabilities: { model, controls, service } }) {
  const [plain] = plan(draft).wanted;
  if (!plain) return html`<p class="hint">Write a prompt, and here is the code for it.</p>`;
  const parameters = withInputs(plain, inputs, controls);
  return html`<${Code} name="draft" parameters=${parameters} model=${model} service=${service} />`;
}

function Ideas() {
  return html`<ul class="ideas" aria-label="Ideas">
    ${IDEAS.map(
      (prompt) => html`<li>
        <button type="button" onClick=${() => (edit({ prompt }), start())}>${prompt}</button>
      </li>`,
    )}
  </ul>`;
}
