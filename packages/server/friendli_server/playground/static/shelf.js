/**
 * The gallery's memory: finished pictures in this browser's IndexedDB, newest first, bounded.
 * Where the browser refuses storage the gallery lives as long as the page.
 *
 * @typedef {object} Picture
 * @property {string} id
 * @property {import("./parameters.js").Parameters} parameters  with the seed that was used
 * @property {number} width  pixels
 * @property {number} height  pixels
 * @property {number} seconds  from asking to having
 * @property {number} made  milliseconds since 1970
 * @property {Blob} blob  a JPEG that carries its parameters
 * @property {string} url  of the blob, for this page only
 */
export const KEPT = 200;
const STORE = "pictures";

/** @returns {Promise<Picture[]>} */
export async function load() {
  const rows = await within("readonly", (pictures) => pictures.getAll());
  const newest = (rows ?? []).sort((a, b) => b.made - a.made);
  newest.slice(KEPT).forEach((row) => remove(row.id));
  return newest.slice(0, KEPT).map((row) => ({ ...row, url: URL.createObjectURL(row.blob) }));
}

/** @param {Picture} picture */
export function keep({ url: _, ...row }) {
  return within("readwrite", (pictures) => pictures.put(row));
}

/** @param {string} id */
export function remove(id) {
  return within("readwrite", (pictures) => pictures.delete(id));
}

export function clear() {
  return within("readwrite", (pictures) => pictures.clear());
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(pictures: IDBObjectStore) => IDBRequest} act
 * @returns {Promise<any>}  null if storage is refused
 */
async function within(mode, act) {
  try {
    const database = await open();
    const done = await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
    database.close();
    return done;
  } catch {
    return null;
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open("playground", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(request);
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
