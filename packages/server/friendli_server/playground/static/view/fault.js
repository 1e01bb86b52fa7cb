/** What is wrong with a field, said beneath it and tied to it for screen readers. */
import { html } from "../vendor/preact.js";

/** @param {{field: string, faults: Record<string, string>}} props */
export function Fault({ field, faults }) {
  return faults[field] && html`<p class="fault" id=${`${field}-fault`}>${faults[field]}</p>`;
}

/** Attributes that tie a field to its fault. @param {string} field @param {Record<string, string>} faults */
export function described(field, faults) {
  return faults[field] ? { "aria-invalid": "true", "aria-describedby": `${field}-fault` } : {};
}
