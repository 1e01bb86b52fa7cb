/** The page put together: every part hears the state, actions change it. Knows no details. */
import { begin, cancel, store } from "./actions.js";
import { html, render } from "./vendor/preact.js";
import { Composer } from "./view/composer.js";
import { watchDrops } from "./view/drop.js";
import { Gallery } from "./view/gallery.js";
import { Room } from "./view/room.js";
import { Stage } from "./view/stage.js";
import { Viewer } from "./view/viewer.js";

const STATUS = {
  ready: "Ready",
  starting: "The model is loading…",
  restarting: "The model is restarting…",
  draining: "The server is shutting down",
  closed: "The engine has stopped",
  locked: "An API key is needed",
  unreachable: "The server cannot be reached",
};

/** @param {{capabilities: import("./capabilities.js").Capabilities}} props */
function Header({ capabilities: { ready, status, model } }) {
  return html`<header class="top">
    <h1>Playground</h1>
    <p class=${ready ? "server ready" : "server"} role="status">
      <span class="dot" aria-hidden="true"></span>
      ${ready ? html`<span class="hidden">Ready: </span>${model}` : (STATUS[status] ?? status)}
    </p>
    <a href="/openapi.json">API</a>
  </header>`;
}

/** @param {import("./actions.js").State} state */
function Page(state) {
  return html`
    <${Header} ...${state} />
    <main>
      <${Composer} ...${state} />
      <${Stage} ...${state} />
      <${Gallery} ...${state} />
      ${state.capabilities.room && html`<${Room} />`}
    </main>
    <${Viewer} ...${state} />
    <p class="hidden" role="status">${state.news}</p>
  `;
}

const draw = () => render(html`<${Page} ...${store.get()} />`, document.body);
let drawing = 0;
store.subscribe(() => {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    draw();
  });
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !store.get().viewing) cancel();
});
watchDrops();
draw();
begin();
