/**
 * Exact decimals: text to whole units and back, without binary fractions.
 *
 * "60000.00" with 2 decimals is 6000000n. `toUnits` reads text of the venue and does not check it;
 * `parseUnits` reads text that a person typed, and refuses wrong text.
 */

const PLAIN = /^\d+(?:\.\d*)?$|^\.\d+$/;
const NON_DIGITS = /[^0-9]/g;

/**
 * The number of digits behind the point of a step such as "0.01".
 * @param {string} step
 */
export function decimalsOf(step) {
  const point = step.indexOf(".");
  return point < 0 ? 0 : step.length - point - 1;
}

/**
 * Whole units of a decimal as the venue writes it, with at most `decimals` digits behind the point.
 * @param {string} text
 * @param {number} decimals
 */
export function toUnits(text, decimals) {
  const point = text.indexOf(".");
  if (point < 0) return BigInt(text) * 10n ** BigInt(decimals);
  const missing = decimals - (text.length - point - 1);
  return BigInt(text.slice(0, point) + text.slice(point + 1) + "0".repeat(missing));
}

/**
 * Whole units of a typed text; null if the text is no plain decimal or has too many digits.
 * @param {string} text
 * @param {number} decimals
 * @returns {bigint | null}
 */
export function parseUnits(text, decimals) {
  const plain = text.trim().replaceAll(",", "");
  if (!PLAIN.test(plain)) return null;
  const trimmed = plain.includes(".") ? plain.replace(/0+$/, "") : plain;
  if (decimalsOf(trimmed) > decimals) return null;
  return toUnits(trimmed.startsWith(".") ? `0${trimmed}` : trimmed, decimals);
}

/**
 * Units as plain text: 6000000n with 2 decimals is "60000.00".
 * @param {bigint} units
 * @param {number} decimals
 */
export function toText(units, decimals) {
  const sign = units < 0n ? "-" : "";
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, "0");
  const end = digits.length - decimals;
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, end)}.${digits.slice(end)}`;
}

/**
 * A plain decimal with a comma between thousands, as people read it.
 * @param {string} text
 */
export function grouped(text) {
  const point = text.indexOf(".");
  const whole = point < 0 ? text : text.slice(0, point);
  if (whole.length < 4) return text;
  const parts = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return point < 0 ? parts : parts + text.slice(point);
}

/**
 * A plain decimal without zeros at its end.
 * @param {string} text
 */
export function trimmed(text) {
  if (!text.includes(".")) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end -= 1;
  return text.slice(0, text.charCodeAt(end - 1) === 46 ? end - 1 : end);
}

/**
 * Units rounded towards zero to fewer decimals.
 * @param {bigint} units
 * @param {number} from
 * @param {number} to
 */
export function rescale(units, from, to) {
  return to >= from ? units * 10n ** BigInt(to - from) : units / 10n ** BigInt(from - to);
}

/**
 * The key of a price within its market: its digits as a whole number.
 *
 * All prices of a market have the same decimals, and the venue bounds them below 2^53.
 * @param {string} text
 */
export function keyOf(text) {
  return Number(text.replace(NON_DIGITS, ""));
}

/**
 * part/whole as a percentage with two decimals and a sign, such as "+1.25"; "0.00" if whole is 0.
 * @param {bigint} part
 * @param {bigint} whole
 */
export function percent(part, whole) {
  if (whole === 0n) return "0.00";
  const text = toText((part * 10000n) / whole, 2);
  return part > 0n ? `+${text}` : text;
}
