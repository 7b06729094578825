/** The page's storage, guarded: where the browser refuses it, memory takes its place. */

let store: Record<string, string> = {};
let prefix: string;

const enum Uuid {
  LENGTH = 36,
}

/** Opens the part of the storage that belongs to one key of one project. */
export function open(token: string): void {
  prefix = `shopalytic.${token}.`;
  try {
    // Reading tells: a refused storage throws at the first touch, or is null.
    localStorage[prefix];
    store = localStorage;
  } catch {}
}

export function get(name: string): string | undefined {
  return store[prefix + name];
}

export function put(name: string, value: string): void {
  try {
    store[prefix + name] = value;
  } catch {
    // Full, or refused after all: what is there is still worth having.
    store = { ...store, [prefix + name]: value };
  }
}

export function drop(name: string): void {
  delete store[prefix + name];
}

/** The names that are event ids, sorted. All begin with the zero that `uuid` puts there. */
export function ids(): string[] {
  return Object.keys(store)
    .filter((key) => key.startsWith(prefix + "0"))
    .map((key) => key.slice(-Uuid.LENGTH))
    .sort();
}

/** Does something alone among all tabs, or shared with others that share, where browsers have locks. */
export async function lock(work: () => unknown, mode?: "shared"): Promise<void> {
  try {
    await navigator.locks.request(prefix, { mode: mode! }, work);
  } catch {
    work();
  }
}
