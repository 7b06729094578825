/** Builds the page into dist/site, checks its size, and hands it to the gateway. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT_BYTES = 150_000;
const HERE = dirname(fileURLToPath(import.meta.url));
const SITE = join(HERE, "dist/site");
const ASSETS = join(SITE, "assets");
const SERVED = join(HERE, "../../server/shopalytic_server/gateway/static/dashboard");
const STUB = join(HERE, "../javascript/src/snippet.ts");

/** What shops paste into their pages, built from the tag's own source. */
async function stub() {
  const done = await build({ entryPoints: [STUB], bundle: true, minify: true, target: "es2021", format: "iife", write: false });
  return done.outputFiles[0].text.trim();
}

rmSync(SITE, { recursive: true, force: true });
const done = await build({
  entryPoints: [join(HERE, "src/main.tsx")],
  outdir: ASSETS,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  // Pages are loaded when they are opened.
  splitting: true,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { TAG_STUB: JSON.stringify(await stub()) },
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
});

const outputs = Object.entries(done.metafile.outputs);
const of = (source) => outputs.find(([, { entryPoint }]) => entryPoint?.endsWith(source))?.[0];
const script = of("src/main.tsx");
const style = done.metafile.outputs[script].cssBundle;
const page = readFileSync(join(HERE, "src/index.html"), "utf8")
  .replace("STYLE", `/assets/${basename(style)}`)
  .replace("SCRIPT", `/assets/${basename(script)}`);
writeFileSync(join(SITE, "index.html"), page);

rmSync(SERVED, { recursive: true, force: true });
mkdirSync(SERVED, { recursive: true });
cpSync(SITE, SERVED, { recursive: true });

/** What comes with a part, and with what that needs. */
function withNeeded(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const { path: needed, kind } of done.metafile.outputs[path].imports) if (kind === "import-statement") withNeeded(needed, found);
  return found;
}

// Somebody who comes sees the overview first.
const first = [...new Set([...withNeeded(script), ...withNeeded(of("src/pages/overview.tsx")), style])];
const parts = [join(SITE, "index.html"), ...first.map((path) => join(ASSETS, basename(path)))];
const sizes = parts.map((path) => [basename(path), gzipSync(readFileSync(path), { level: 6 }).length]);
const size = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
console.log(`dashboard: the first view takes ${size} bytes in ${sizes.length} parts; ${LIMIT_BYTES - size} bytes under the limit`);
if (size > LIMIT_BYTES) {
  console.error(`The first view takes ${size} bytes gzipped, more than ${LIMIT_BYTES}: make it smaller`);
  process.exit(1);
}
