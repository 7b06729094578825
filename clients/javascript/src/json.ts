/**
 * JSON and text, made by syntax where that is possible: other scripts replace `JSON`, add a `toJSON` to the
 * language's own objects, and change what lists and texts can do.
 */

const has = {}.hasOwnProperty;

/** A property, unless it is another script's that every object has. */
export function own(object: unknown, name: string): any {
  return object != null && has.call(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

/**
 * A value as JSON. What JSON does not know stays visible, so that the verdict can name it: a time or a number that is
 * none as text, a function as an object, which no field takes. Throws for what contains itself.
 */
export function json(value: any): string {
  if (value && typeof value === "object") {
    const { toJSON } = value;
    // A Date's own text depends on methods that date libraries replace.
    if (value.getTime) value = isFinite((value = value.getTime())) ? value / 1000 : "Invalid";
    // That of a library's own class says what it means: a decimal, an address, a moment.
    else if (toJSON && toJSON !== ({} as any).toJSON && toJSON !== ([] as any).toJSON) value = value.toJSON();
  }
  const type = typeof value;
  if (value == null || type === "boolean" || (type === "number" && isFinite(value))) return `${value ?? null}`;
  if (type !== "object" && type !== "function") return quote(`${value}`);
  if (!Array.isArray(value)) return `{${members(value)}}`;
  let text = "";
  for (let i = 0; i < value.length; i++) text += (text && ",") + json(value[i]);
  return `[${text}]`;
}

/** An object's own properties as JSON, without the braces. */
export function members(object: any): string {
  let text = "";
  for (const name in object) {
    const value = own(object, name);
    if (value !== undefined) text += `${text && ","}${quote(name)}:${json(value)}`;
  }
  return text;
}

function quote(text: string): string {
  let result = '"';
  // Halves of characters, too: sent as they are, the browser would make something else of them.
  const parts = /([^"\\\0-\x1f\ud800-\udfff]+)|[^]/gu;
  for (let part; (part = parts.exec(text)); ) result += part[1] || "\\u" + (65536 + part[0].charCodeAt(0)).toString(16).slice(1);
  return result + '"';
}

/**
 * The beginning of a text, of so many characters as the server counts them (code points), and up to the first half of
 * one, where the page has cut it off. What is no text: undefined.
 */
export function cut(text: unknown, most: number): string | undefined {
  return typeof text === "string" ? RegExp(`^[^\\ud800-\\udfff]{0,${most}}`, "u").exec(text)![0] : undefined;
}
