/**
 * The same picture from other programs: pure text from parameters. Pictures that go in are read
 * from files of the names that `filesOf` gives. Knows neither page nor network.
 *
 * @typedef {import("./parameters.js").Parameters} Parameters
 * @typedef {{origin: string, baseModel: string, keyed: boolean, service: import("./service.js").Service}} Server
 * @typedef {object} Asked  a request taken apart
 * @property {Record<string, any>} plain  the body without pictures
 * @property {string[]} files  names of the pictures that go in
 * @property {boolean} edit
 */
import { filesOf } from "./inputs.js";
import { pathOf } from "./service.js";

/** Where the snippets find the API key, if the server wants one. */
const KEY = "FRIENDLI_TOKEN";

/** @type {Record<string, {label: string, write: (p: Parameters, server: Server) => string}>} */
export const SNIPPETS = {
  curl: { label: "curl", write: curl },
  python: { label: "Python SDK", write: python },
  openai: { label: "openai-python", write: openai },
  javascript: { label: "JavaScript", write: javascript },
  cli: { label: "Command line", write: cli },
};

/** Names of those that fit: the command line asks containers. @param {import("./service.js").Service} service */
export function snippetsFor({ gateway }) {
  return Object.keys(SNIPPETS).filter((name) => !(gateway && name === "cli"));
}

/** A gateway answers with links unless told otherwise. @param {Parameters} p @param {boolean} gateway @returns {Asked} */
function taken(p, gateway) {
  const { image, mask: _, control_images: __, ...rest } = p;
  const plain = gateway ? { ...rest, response_format: "jpeg" } : rest;
  return { plain, files: filesOf(p).map(({ name }) => name), edit: Boolean(image) };
}

/** @param {Parameters} p @param {Server} server */
function curl(p, { origin, keyed, service }) {
  const { plain, files, edit } = taken(p, service.gateway);
  const body = shell(JSON.stringify(plain, null, 2));
  const mask = files.length > 1 ? ", mask: {image: input}" : "";
  const pictures = edit ? `{image: {image: input}${mask}}` : "{control_images: [inputs | {image: .}]}";
  const read = `for f in ${files.join(" ")}; do base64 < $f | tr -d '\\n'; echo; done \\
  | jq -Rn ${body.slice(0, -1)} + ${pictures}' \\
  | `;
  return `${files.length ? read : ""}curl -s ${origin}${pathOf(service, edit)} \\
  -H 'content-type: application/json' \\${keyed ? `\n  -H "authorization: Bearer $${KEY}" \\` : ""}
  -d ${files.length ? "@-" : body} \\
  | jq -r ${service.gateway ? ".data[0].b64_json" : ".image"} | base64 --decode > picture.jpg
`;
}

/** @param {Parameters} p @param {Server} server */
function python(p, { origin, service: { gateway } }) {
  const { plain, files, edit } = taken(p, gateway);
  const [image, mask] = files;
  const pictures = edit ? { image, ...(mask && { mask }) } : files.length ? { control_images: files } : {};
  return `from friendli import SyncFriendli

with SyncFriendli(server_url=${quoted(origin)}) as friendli:
    res = friendli.${gateway ? "dedicated" : "container"}.image.${edit ? "edit" : "generate"}(
${keywords({ ...pictures, ...plain }, 8)}
    )
    res${gateway ? ".data[0]" : ""}.save("picture.jpg")
`;
}

/** @param {Parameters} p @param {Server} server */
function openai(p, { origin, baseModel, keyed, service }) {
  const { plain, files, edit } = taken(p, service.gateway);
  const { prompt, model, ...rest } = plain;
  const extra = JSON.stringify(rest, null, 1).replace(/\n\s*/g, " ");
  const read = `[{"image": b64encode(Path(name).read_bytes()).decode()} for name in ${JSON.stringify(files)}]`;
  const steered = files.length && !edit ? `{**${extra}, "control_images": ${read}}` : extra;
  return `${keyed ? "import os\n" : ""}from base64 import b64decode${files.length && !edit ? ", b64encode" : ""}
from pathlib import Path

from openai import OpenAI

client = OpenAI(base_url=${quoted(origin + service.prefix)}, api_key=${keyed ? `os.environ["${KEY}"]` : `"none"`})
answer = client.images.${edit ? "edit" : "generate"}(${edit ? files.map((name, at) => `\n    ${["image", "mask"][at]}=Path(${quoted(name)}),`).join("") : ""}
    model=${quoted(model ?? baseModel)},
    prompt=${quoted(prompt)},
${service.gateway ? "" : `    output_format="jpeg",\n`}    extra_body=${steered},
)
Path("picture.jpg").write_bytes(b64decode(answer.data[0].b64_json))
`;
}

/** @param {Parameters} p @param {Server} server */
function javascript(p, { origin, keyed, service }) {
  const { plain, files, edit } = taken(p, service.gateway);
  const body = JSON.stringify(plain, null, 2).replaceAll("\n", "\n  ");
  const reads = files.map((name) => `await read(${quoted(name)})`);
  const named = reads.map((read, at) => `${["image", "mask"][at]}: ${read}`);
  const pictures = edit ? named.join(", ") : `control_images: [${reads.join(", ")}]`;
  return `import { ${files.length ? "readFile, " : ""}writeFile } from "node:fs/promises";
${files.length ? `\nconst read = async (name) => ({ image: (await readFile(name)).toString("base64") });` : ""}
const answer = await fetch(${quoted(origin + pathOf(service, edit))}, {
  method: "POST",
  headers: { "content-type": "application/json"${keyed ? `, authorization: \`Bearer \${process.env.${KEY}}\`` : ""} },
  body: JSON.stringify(${files.length ? `{ ...${body}, ${pictures} }` : body}),
});
if (!answer.ok) throw new Error(await answer.text());
const ${service.gateway ? "{ data: [{ b64_json: image }] }" : "{ image }"} = await answer.json();
await writeFile("picture.jpg", Buffer.from(image, "base64"));
`;
}

/** @param {Parameters} p @param {Server} server */
function cli(p, { origin }) {
  const { plain, files, edit } = taken(p, false);
  const options = [
    ["--steps", plain.num_inference_steps],
    ["--guidance", plain.guidance_scale],
    ["--seed", plain.seed],
    ["--model", plain.model],
    ["--mask", edit ? files[1] : undefined],
    ...(edit ? [] : files.flatMap((name, at) => [["--control", name], ["--weight", plain.controlnet_weights[at]]])),
    ["--server", origin],
    ["-o", "picture.jpg"],
  ];
  const given = options.filter(([, value]) => value !== undefined).map((pair) => pair.join(" "));
  return `friendli ${edit ? "edit" : "generate"} ${given.join(" ")} \\
  -- ${edit ? `${files[0]} ` : ""}${shell(plain.prompt)}
`;
}

/** One word for a POSIX shell. @param {string} text */
function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Python keyword arguments, one a line. @param {Record<string, any>} p @param {number} indent */
function keywords(p, indent) {
  const lines = Object.entries(p).map(([name, value]) => `${name}=${quoted(value)},`);
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/** A literal that Python and JavaScript both read: JSON's are a subset of either. @param {unknown} value */
function quoted(value) {
  return JSON.stringify(value);
}
