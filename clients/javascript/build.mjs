/** Builds dist/, checks the script's size, and hands the gateway the files that it serves. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const LIMIT_BYTES = 4_096;
const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");
const SERVED = join(HERE, "../../server/shopalytic_server/gateway/static");

const { version } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));

async function bundle(source, target, options) {
  await build({
    entryPoints: [join(HERE, "src", source)],
    outfile: join(DIST, target),
    bundle: true,
    minify: true,
    // Names that no other script needs to know.
    mangleProps: /_$/,
    target: "es2021",
    define: { VERSION: JSON.stringify(version) },
    // Modules are strict whether they say so or not, and the script is the same in both modes.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
    logLevel: "warning",
    ...options,
  });
}

/** Makes a script of its own smaller: what is called once goes where it is called. */
async function squeeze(target) {
  const path = join(DIST, target);
  const compress = { passes: 3, inline: 1, hoist_funs: false };
  const { code } = await minify(readFileSync(path, "utf8"), { ecma: 2021, toplevel: true, compress });
  writeFileSync(path, code);
}

rmSync(DIST, { recursive: true, force: true });
await Promise.all([
  bundle("script.ts", "shopalytic.js", { format: "iife" }),
  bundle("stub-script.ts", "shopalytic-stub.js", { format: "iife" }),
  bundle("snippet.ts", "snippet.js", { format: "iife" }),
  bundle("shopalytic.ts", "shopalytic.mjs", { format: "esm", minify: false, mangleProps: undefined }),
]);
await Promise.all(["shopalytic.js", "shopalytic-stub.js", "snippet.js"].map(squeeze));
const tsc = join(HERE, "node_modules", "typescript", "bin", "tsc");
execFileSync(process.execPath, [tsc, "-p", join(HERE, "tsconfig.types.json")], { stdio: "inherit" });

mkdirSync(SERVED, { recursive: true });
for (const name of ["shopalytic.js", "shopalytic-stub.js"]) copyFileSync(join(DIST, name), join(SERVED, name));

const size = gzipSync(readFileSync(join(DIST, "shopalytic.js")), { level: 9 }).length;
console.log(`shopalytic.js: ${size} bytes gzipped, ${LIMIT_BYTES - size} under the limit`);
if (size > LIMIT_BYTES) {
  console.error(`shopalytic.js is larger than ${LIMIT_BYTES} bytes gzipped: make it smaller`);
  process.exit(1);
}
