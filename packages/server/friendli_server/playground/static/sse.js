/**
 * Server-sent events out of a byte stream (WHATWG HTML, section 9.2, as far as JSON events need
 * it). Knows no event by name.
 */

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<{name: string, data: any}>}
 */
export async function* readEvents(stream) {
  const reader = stream.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = /** @type {string} */ (blocks.pop());
      yield* blocks.map(parse).filter((event) => event.data !== undefined);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block @returns {{name: string, data: any}} */
function parse(block) {
  const fields = block.split(/\r?\n/).map((line) => /^(\w+): ?(.*)$/.exec(line));
  const of = (/** @type {string} */ name) =>
    fields.filter((field) => field?.[1] === name).map((field) => field?.[2]);
  const data = of("data");
  return {
    name: of("event").at(-1) ?? "message",
    data: data.length ? JSON.parse(data.join("\n")) : undefined,
  };
}
