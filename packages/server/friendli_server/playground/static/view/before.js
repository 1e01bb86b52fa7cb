/** A picture before and after an edit, one over the other, with a slider between. */
import { html, useState } from "../vendor/preact.js";

/** @param {{before: string, url: string, width: number, height: number, alt: string}} props */
export function Before({ before, url, width, height, alt }) {
  const [share, setShare] = useState(50);
  const onInput = (/** @type {any} */ event) => setShare(Number(event.target.value));
  return html`<div class="before">
    <img src=${url} width=${width} height=${height} alt=${alt} />
    <img src=${before} class="old" alt="Before the edit" style=${{ clipPath: `inset(0 ${100 - share}% 0 0)` }} />
    <input type="range" min="0" max="100" value=${share} onInput=${onInput} aria-label="Before and after" />
  </div>`;
}
