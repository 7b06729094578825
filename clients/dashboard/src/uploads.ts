/** Hands a shop's exported files to the importer, and tells what it says: the report first, then how far it is. */

export const SYSTEMS: [string, string][] = [
  ["shopify", "Shopify"],
  ["woocommerce", "WooCommerce"],
  ["magento", "Magento"],
  ["prestashop", "PrestaShop"],
  ["segment", "Segment"],
  ["ga4", "Google Analytics 4"],
  ["csv", "Another CSV file"],
];

export interface Finding {
  columns: Record<string, string>;
  columns_unknown: string[];
  rows: Record<string, number>;
  events: Record<string, number>;
  refused: number;
  refusals: string[];
  assumed: string[];
  total: number;
}

/** How many events have each verdict. */
export type Counts = Record<"accepted" | "duplicate" | "conflict" | "quarantined" | "rejected", number>;

export interface Broken {
  status: string;
  rule_id: string;
  times: number;
  examples: { row: number; field: string; message: string }[];
}

/** One line of the answer. */
export interface Line {
  finding?: Finding;
  progress?: Counts;
  waiting?: string;
  done?: (Counts & { refused: Broken[] }) | null;
  error?: string;
}

export interface Upload {
  system: string;
  files: File[];
  zone: string;
  currency: string;
  columns: Record<string, string>;
  dryRun: boolean;
  key: string;
}

/** Sends the files, and tells each line of the answer. Whatever goes wrong is told as a line, too. */
export async function upload(given: Upload, signal: AbortSignal, tell: (line: Line) => void): Promise<void> {
  const head = JSON.stringify({
    system: given.system,
    files: given.files.map(({ name, size }) => ({ name, size })),
    time_zone: given.zone,
    currency: given.currency || null,
    columns: given.columns,
    dry_run: given.dryRun,
  });
  try {
    const body = new Blob([head, "\n", ...given.files]);
    const headers = { authorization: `Bearer ${given.key}` };
    const answer = await fetch("/import", { method: "POST", body, headers, signal });
    if (!answer.ok || !answer.body) {
      const { error } = (await answer.json()) as { error?: { message: string } };
      tell({ error: error?.message ?? "The service refused the files." });
      return;
    }
    let ended = false;
    for await (const line of linesOf(answer.body)) {
      ended = line.done !== undefined || line.error !== undefined;
      tell(line);
    }
    if (!ended) tell({ error: "The connection was cut. Import the same files again: it goes on where this ended." });
  } catch {
    if (!signal.aborted) tell({ error: "The service cannot be reached, or the files have changed. Try again." });
  }
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Line> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

/** The columns that somebody names, a line each: "order_id: Order No". */
export function columnsOf(text: string): Record<string, string> {
  const pairs = text
    .split("\n")
    .map((line) => /^\s*([a-z_]+)\s*:\s*(.+?)\s*$/.exec(line))
    .filter((found) => found !== null);
  return Object.fromEntries(pairs.map(([, ours, theirs]) => [ours!, theirs!.replace(/^(["'])(.*)\1$/, "$2")]));
}
