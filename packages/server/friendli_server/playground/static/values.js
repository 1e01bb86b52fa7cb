/**
 * Lists of numbers as people type them: "5, 10, 20", "1-4", "3.5". Knows nothing of pictures.
 */
const MOST = 64;
const RANGE = /^(\d+)\s*(?:-|–|\.\.)\s*(\d+)$/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * @param {string} text
 * @param {{min: number, max: number, step: number}} limits  a `step` of 1 means integers
 * @returns {{values: number[], fault?: string}}  distinct values in the order given
 */
export function parseValues(text, limits) {
  const parts = text.split(/[,;\n]+/).map((part) => part.trim()).filter(Boolean);
  const values = [...new Set(parts.flatMap(expand))];
  const fault = judge(values, limits);
  return fault ? { values: [], fault } : { values };
}

/** @param {string} part @returns {number[]} */
function expand(part) {
  const range = RANGE.exec(part);
  if (!range) return [NUMBER.test(part) ? Number(part) : NaN];
  const [first, last] = [Number(range[1]), Number(range[2])];
  if (last < first) return [NaN];
  const length = Math.min(last - first + 1, MOST + 1);
  return Array.from({ length }, (_, index) => first + index);
}

/** @param {number[]} values @param {{min: number, max: number, step: number}} limits */
function judge(values, { min, max, step }) {
  if (!values.length) return "A number is needed.";
  if (values.length > MOST) return `At most ${MOST} values.`;
  if (values.some(Number.isNaN)) return "Numbers like 5, 10, 20 or 1-4.";
  if (step === 1 && !values.every(Number.isSafeInteger)) return "Whole numbers only.";
  if (values.some((value) => value < min || value > max)) return `Between ${min} and ${max}.`;
  return undefined;
}
