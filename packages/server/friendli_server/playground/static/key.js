/**
 * The API key, where a server wants one: kept for this tab only, never in the address, a cookie or
 * a snippet.
 */
const NAME = "playground-key";

/** @returns {Record<string, string>}  the header that carries it */
export function authorization() {
  const key = sessionStorage.getItem(NAME);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export function hasKey() {
  return Boolean(sessionStorage.getItem(NAME));
}

/** @param {string} key */
export function setKey(key) {
  sessionStorage.setItem(NAME, key.trim());
}
