// Bundles the styles and islands into the folder given as the argument, under names that carry a hash of
// their content, and writes manifest.json, which tells the pages what is called what.
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const outdir = process.argv[2];
const sources = process.argv[3] ?? "";
if (!outdir) throw new Error("usage: node ui/build.mjs OUTPUT_FOLDER [SOURCES_DIGEST]");

// theme.ts runs before the first paint and islands.ts once the page is parsed; both are plain scripts.
const result = await build({
  entryPoints: ["ui/theme.ts", "ui/islands.ts", "ui/styles.css", "ui/mark.svg"],
  outdir,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  entryNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
}).catch(() => process.exit(1)); // esbuild has printed what is wrong, with its place.

const files = {};
for (const [path, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) files[basename(output.entryPoint).replace(/\.ts$/, ".js")] = basename(path);
}
await mkdir(outdir, { recursive: true });
await writeFile(join(outdir, "manifest.json"), `${JSON.stringify({ sources, files }, null, 2)}\n`);
