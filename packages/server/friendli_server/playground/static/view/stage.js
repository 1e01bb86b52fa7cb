/** The latest run: one large picture, or a grid to compare. Knows no network. */
import { arrange } from "../arrange.js";
import { html } from "../vendor/preact.js";
import { Shot } from "./shot.js";

/** @param {import("../actions.js").State} state */
export function Stage({ shots, running }) {
  if (!shots.length) return null;
  return html`<section class="stage" aria-label="Latest" aria-busy=${String(Boolean(running))}>
    ${shots.length === 1
      ? html`<div class="single"><${Shot} shot=${shots[0]} /></div>`
      : html`<${Grid} shots=${shots} />`}
  </section>`;
}

function Grid({ shots }) {
  const { columns, rows } = arrange(shots);
  const labelled = rows.some((row) => row.label);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Comparison">
    <table>
      <thead>
        <tr>
          ${labelled && html`<td></td>`}
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ label, shots }) => html`<tr>
            ${labelled && html`<th scope="row">${label}</th>`}
            ${shots.map((shot) => html`<td><${Shot} shot=${shot} /></td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
