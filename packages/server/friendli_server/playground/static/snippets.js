/**
 * The same picture from other programs: pure text from parameters. Knows neither page nor network.
 *
 * @typedef {import("./parameters.js").Parameters} Parameters
 * @typedef {{origin: string, baseModel: string, keyed: boolean}} Server
 */

/** Where the snippets find the API key, if the server wants one. */
const KEY = "FRIENDLI_TOKEN";

/** @type {Record<string, {label: string, write: (p: Parameters, server: Server) => string}>} */
export const SNIPPETS = {
  curl: { label: "curl", write: curl },
  python: { label: "Python SDK", write: python },
  openai: { label: "openai-python", write: openai },
  javascript: { label: "JavaScript", write: javascript },
};

/** @param {Parameters} p @param {Server} server */
function curl(p, { origin, keyed }) {
  const body = JSON.stringify(p, null, 2).replaceAll("'", "'\\''");
  return `curl -s ${origin}/v1/images/generations \\
  -H 'content-type: application/json' \\${keyed ? `\n  -H "authorization: Bearer $${KEY}" \\` : ""}
  -d '${body}' \\
  | jq -r .image | base64 --decode > picture.jpg
`;
}

/** @param {Parameters} p @param {Server} server */
function python(p, { origin }) {
  return `from friendli import SyncFriendli

with SyncFriendli(server_url=${quoted(origin)}) as friendli:
    res = friendli.container.image.generate(
${keywords(p, 8)}
    )
    res.save("picture.jpg")
`;
}

/** @param {Parameters} p @param {Server} server */
function openai({ prompt, model, ...rest }, { origin, baseModel, keyed }) {
  const extra = JSON.stringify(rest, null, 1).replace(/\n\s*/g, " ");
  return `${keyed ? "import os\n" : ""}from base64 import b64decode
from pathlib import Path

from openai import OpenAI

client = OpenAI(base_url=${quoted(`${origin}/v1`)}, api_key=${keyed ? `os.environ["${KEY}"]` : `"none"`})
answer = client.images.generate(
    model=${quoted(model ?? baseModel)},
    prompt=${quoted(prompt)},
    output_format="jpeg",
    extra_body=${extra},
)
Path("picture.jpg").write_bytes(b64decode(answer.data[0].b64_json))
`;
}

/** @param {Parameters} p @param {Server} server */
function javascript(p, { origin, keyed }) {
  const body = JSON.stringify(p, null, 2).replaceAll("\n", "\n  ");
  return `import { writeFile } from "node:fs/promises";

const answer = await fetch(${quoted(`${origin}/v1/images/generations`)}, {
  method: "POST",
  headers: { "content-type": "application/json"${keyed ? `, authorization: \`Bearer \${process.env.${KEY}}\`` : ""} },
  body: JSON.stringify(${body}),
});
if (!answer.ok) throw new Error(await answer.text());
const { image } = await answer.json();
await writeFile("picture.jpg", Buffer.from(image, "base64"));
`;
}

/** Python keyword arguments, one a line. @param {Parameters} p @param {number} indent */
function keywords(p, indent) {
  const lines = Object.entries(p).map(([name, value]) => `${name}=${quoted(value)},`);
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/** A literal that Python and JavaScript both read: JSON's are a subset of either. @param {unknown} value */
function quoted(value) {
  return JSON.stringify(value);
}
