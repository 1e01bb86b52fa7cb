/** A picture as code, one tab a language, with a button that copies it. Knows no network. */
import { filesOf } from "../inputs.js";
import { hasKey } from "../key.js";
import { SNIPPETS, snippetsFor } from "../snippets.js";
import { html, useState } from "../vendor/preact.js";

const MOVES = { ArrowRight: 1, ArrowLeft: -1 };

/** @param {{name: string, parameters: import("../parameters.js").Parameters, model: string, service: import("../service.js").Service}} props */
export function Code({ name, parameters, model, service }) {
  const names = snippetsFor(service);
  const [chosen, choose] = useState(names[0]);
  const server = { origin: location.origin, baseModel: model, keyed: hasKey(), service };
  const text = SNIPPETS[chosen].write(parameters, server);
  return html`<div class="code">
    <div class="languages">
      <div class="tabs" role="tablist" aria-label="Language" onKeyDown=${(event) => move(event, names, choose)}>
        ${names.map(
          (key) => html`<button
            type="button"
            role="tab"
            id=${`${name}-${key}`}
            aria-selected=${String(key === chosen)}
            aria-controls=${`${name}-snippet`}
            tabindex=${key === chosen ? 0 : -1}
            onClick=${() => choose(key)}
          >
            ${SNIPPETS[key].label}
          </button>`,
        )}
      </div>
      <${Copy} key=${text} text=${text} />
    </div>
    <pre id=${`${name}-snippet`} role="tabpanel" aria-labelledby=${`${name}-${chosen}`} tabindex="0">
${text}</pre
    >
    ${filesOf(parameters).map(
      ({ name, url }) => html`<a class="button" key=${name} href=${url} download=${name}>Save ${name}</a> `,
    )}
  </div>`;
}

/** Arrow keys walk through the tabs. @param {any} event @param {string[]} names @param {(key: string) => void} choose */
function move(event, names, choose) {
  const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(event.target);
  if (at < 0 || !MOVES[event.key]) return;
  const next = (at + MOVES[event.key] + tabs.length) % tabs.length;
  choose(names[next]);
  tabs[next].focus();
}

/** @param {{text: string}} props */
function Copy({ text }) {
  const [copied, setCopied] = useState(false);
  const copy = async (/** @type {any} */ event) => {
    const code = event.target.closest(".code").querySelector("pre");
    setCopied(await copyText(text, code));
  };
  return html`<button type="button" class="copy" onClick=${copy}>
    ${copied ? "Copied" : "Copy"}<span class="hidden" role="status">${copied ? "Copied" : ""}</span>
  </button>`;
}

/**
 * Where the clipboard is refused (plain http to another machine), select the text instead.
 * @param {string} text
 * @param {HTMLElement} shown
 * @returns {Promise<boolean>}  whether it was copied
 */
async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}
