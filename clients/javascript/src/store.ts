/** What the tag remembers: in the page's storage where that may be and is allowed, else in memory. */

type Store = Record<string, string>;

/** Names in the storage, where kept events go by their ids. */
export const enum Name {
  TRACKING_ID = "id",
  PAUSED_UNTIL = "until",
  IDENTITY = "identity",
  SIGNATURE = "signed",
  BATCH = "batch",
}

const empty = (): Store => ({ __proto__: null }) as never;

let memory = empty();
let disk = memory;
let store = memory;
let prefix: string;

/** Opens the part of the storage that belongs to one key of one project. */
export function open(token: string): void {
  prefix = `shopalytic.${token}.`;
  try {
    // Reading tells: a refused storage throws at the first touch, or is null.
    localStorage[prefix];
    disk = localStorage;
  } catch {}
}

/** Changes between memory and the storage; what memory knows and the storage does not, goes along. */
export function remember(lasting: boolean): void {
  const known = memory;
  store = lasting ? disk : memory;
  if (store === memory) return;
  memory = empty();
  for (const key in known) if (!store[key]) write(key, known[key]!);
}

/** Empties the storage. */
export function forget(): void {
  for (const key in disk) if (key.startsWith(prefix)) delete disk[key];
}

export function get(name: string): string | undefined {
  return store[prefix + name];
}

/** What the storage says, even if it may not be used to remember anybody. */
export function peek(name: string): string | undefined {
  return disk[prefix + name];
}

export function put(name: string, value: string): void {
  write(prefix + name, value);
}

export function drop(name: string): void {
  delete store[prefix + name];
}

/** The names that are event ids, sorted. All begin with the zero that `uuid` puts there. */
export function ids(): string[] {
  const found: string[] = [];
  for (const key in store) {
    const id = key.slice(prefix.length);
    if (prefix + id !== key || id[0] !== "0") continue;
    let at = found.length;
    for (; at && found[at - 1]! > id; at--) found[at] = found[at - 1]!;
    found[at] = id;
  }
  return found;
}

/** Does something alone among all tabs, or shared with others that share, where browsers have locks. */
export async function lock(work: () => unknown, mode?: "shared"): Promise<void> {
  try {
    await navigator.locks.request(prefix, { __proto__: null, mode } as never, work);
  } catch {
    work();
  }
}

function write(key: string, value: string): void {
  try {
    store[key] = value;
  } catch {
    // Full, or refused after all: what is there is still worth having.
    store = disk = memory = { __proto__: null, ...store, [key]: value } as never;
  }
}
