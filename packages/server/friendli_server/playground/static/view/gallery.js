/** Everything made in this browser, newest first. Knows no network. */
import { clearGallery, openFile } from "../actions.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { Made } from "./shot.js";

/** @param {import("../actions.js").State} state */
export function Gallery({ gallery }) {
  return html`<section class="gallery" aria-labelledby="gallery-title">
    <div class="title">
      <h2 id="gallery-title">Gallery</h2>
      <${OpenFile} />
      ${gallery.length > 0 && html`<${Clear} count=${gallery.length} />`}
    </div>
    ${gallery.length
      ? html`<ul>
          ${gallery.map((picture) => html`<li key=${picture.id}><${Made} picture=${picture} /></li>`)}
        </ul>`
      : html`<p class="hint">Pictures you make are kept here, in this browser.</p>`}
  </section>`;
}

/** The way without a mouse to what dropping a file does. */
function OpenFile() {
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const open = (/** @type {any} */ { target }) => {
    if (target.files[0]) openFile(target.files[0]);
    target.value = "";
  };
  return html`<button type="button" class="quiet" onClick=${() => input.current?.click()}>
      Settings from a picture…
    </button>
    <input ref=${input} type="file" accept="image/jpeg,image/png" aria-label="Picture file" hidden onChange=${open} />`;
}

/** @param {{count: number}} props */
function Clear({ count }) {
  const [asked, ask] = useState(false);
  if (!asked) {
    return html`<button type="button" class="quiet" onClick=${() => ask(true)}>Clear…</button>`;
  }
  const what = count === 1 ? "the picture" : `all ${count} pictures`;
  return html`<button type="button" class="quiet danger" onClick=${clearGallery}>Delete ${what}</button>
    <button type="button" class="quiet" onClick=${() => ask(false)}>Keep</button>`;
}
