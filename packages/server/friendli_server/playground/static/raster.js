/**
 * Pictures as pixels: a file brought to a sendable size, and the outlines of any picture. Knows
 * canvases; knows nothing of models.
 */

/** Longest side that is sent, in pixels. */
const LONGEST = 1024;
/** Slopes below this are no outlines: gradients of a sky, grain of a photo. Of 255. */
const FAINT = 40;

/**
 * @param {Blob} file
 * @returns {Promise<string>}  a data URI of a PNG no larger than `LONGEST`
 * @throws {DOMException} the file is no picture
 */
export async function readPicture(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  penOf(canvas).drawImage(picture, 0, 0, canvas.width, canvas.height);
  return dataUri(canvas);
}

/**
 * A mask at the size of the picture that it belongs to.
 * @param {Blob} file
 * @param {string} url  the picture, as a data URI
 * @returns {Promise<string>}  a data URI
 * @throws {RangeError} it has another shape
 * @throws {DOMException} the file is no picture
 */
export async function readMask(file, url) {
  const [mask, { width, height }] = await Promise.all([file, await blobOf(url)].map((blob) => createImageBitmap(blob)));
  if (Math.abs((mask.width / mask.height) * (height / width) - 1) > 0.02) throw new RangeError("another shape");
  const canvas = new OffscreenCanvas(width, height);
  penOf(canvas).drawImage(mask, 0, 0, width, height);
  return dataUri(canvas);
}

/** White where a canvas has colour, black elsewhere. @param {HTMLCanvasElement} painted @returns {Promise<string>} */
export function maskOf(painted) {
  const { width, height } = painted;
  const canvas = new OffscreenCanvas(width, height);
  const pen = penOf(canvas);
  pen.drawImage(painted, 0, 0);
  for (const [operation, colour] of [["source-in", "#ffffff"], ["destination-over", "#000000"]]) {
    pen.globalCompositeOperation = operation;
    pen.fillStyle = colour;
    pen.fillRect(0, 0, width, height);
  }
  return dataUri(canvas);
}

/** White outlines on black. @param {string} url  a data URI @returns {Promise<string>} */
export async function edgesOf(url) {
  const picture = await createImageBitmap(await blobOf(url));
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const pen = penOf(canvas);
  pen.filter = "blur(1px)";
  pen.drawImage(picture, 0, 0);
  const pixels = pen.getImageData(0, 0, width, height);
  outline(pixels);
  pen.filter = "none";
  pen.putImageData(pixels, 0, 0);
  return dataUri(canvas);
}

/** Replace each pixel by how steep the brightness is there (Sobel). @param {ImageData} pixels */
function outline({ data, width, height }) {
  const light = Uint8Array.from({ length: width * height }, (_, at) => (data[4 * at] + 2 * data[4 * at + 1] + data[4 * at + 2]) / 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x > 0 && y > 0 && x < width - 1 && y < height - 1;
      const steep = inside ? slope(light, y * width + x, width) : 0;
      data.fill(steep > FAINT ? Math.min(255, 3 * steep) : 0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  }
}

/** @param {Uint8Array} light @param {number} at @param {number} width */
function slope(light, at, width) {
  const [up, down] = [at - width, at + width];
  const across = light[up + 1] + 2 * light[at + 1] + light[down + 1] - light[up - 1] - 2 * light[at - 1] - light[down - 1];
  const along = light[down - 1] + 2 * light[down] + light[down + 1] - light[up - 1] - 2 * light[up] - light[up + 1];
  return Math.hypot(across, along) / 2;
}

/** @param {string} url  a data URI or a blob's address */
async function blobOf(url) {
  if (!url.startsWith("data:")) return (await fetch(url)).blob();
  const [head, body] = url.split(",");
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: head.slice(5).split(";")[0] });
}

/** @param {OffscreenCanvas|HTMLCanvasElement} canvas @returns {any} */
export function penOf(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** @param {OffscreenCanvas} canvas @returns {Promise<string>} */
async function dataUri(canvas) {
  return uriOf(await canvas.convertToBlob({ type: "image/png" }));
}

/** A file as a data URI. @param {Blob} blob @returns {Promise<string>} */
export function uriOf(blob) {
  const reader = new FileReader();
  return new Promise((resolve, reject) => {
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
