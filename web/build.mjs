// Bundles the pages into dist/: `index.html` and `graphiql/index.html`, and everything that they load under `assets/`.
// Names of assets carry a hash of their content, so that they may be cached for ever.
import { build } from 'esbuild';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: 'es2022',
  outdir: 'dist/assets',
  outbase: 'src',
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.ttf': 'file', '.svg': 'copy' },
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
};

/** The addresses of what was built from the entry points, by the entry points' paths. */
function addresses(metafile) {
  const found = {};
  for (const [output, { entryPoint, cssBundle }] of Object.entries(metafile.outputs)) {
    if (!entryPoint) continue;
    found[entryPoint] = `/assets/${basename(output)}`;
    if (cssBundle) found[`${entryPoint} css`] = `/assets/${basename(cssBundle)}`;
  }
  return found;
}

/** Fills the places `{{name}}` of a page. */
async function page(source, target, places) {
  const html = (await readFile(join(root, source), 'utf8')).replace(/\{\{(.+?)\}\}/g, (_, name) => {
    if (!places[name]) throw new Error(`${source}: nothing was built from ${name}`);
    return places[name];
  });
  await mkdir(dirname(join(dist, target)), { recursive: true });
  await writeFile(join(dist, target), html);
}

/** GraphiQL's own style sheet holds the editor's styles already. */
const withoutEditorStyles = {
  name: 'without-editor-styles',
  setup({ onLoad }) {
    onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: '', loader: 'css' }));
  },
};

await rm(dist, { recursive: true, force: true });

// Workers stand alone: browsers differ in what modules a worker may load.
const workers = await build({
  ...common,
  format: 'iife',
  entryPoints: [
    'node_modules/monaco-editor/esm/vs/editor/editor.worker.js',
    'node_modules/monaco-editor/esm/vs/language/json/json.worker.js',
    'node_modules/monaco-graphql/esm/graphql.worker.js',
  ],
});
const worker = addresses(workers.metafile);

const pages = await build({
  ...common,
  format: 'esm',
  splitting: true,
  plugins: [withoutEditorStyles],
  entryPoints: ['src/chat/main.tsx', 'src/playground/playground.tsx', 'src/icon.svg'],
  define: {
    ...common.define,
    EDITOR_WORKER: JSON.stringify(worker['node_modules/monaco-editor/esm/vs/editor/editor.worker.js']),
    JSON_WORKER: JSON.stringify(worker['node_modules/monaco-editor/esm/vs/language/json/json.worker.js']),
    GRAPHQL_WORKER: JSON.stringify(worker['node_modules/monaco-graphql/esm/graphql.worker.js']),
  },
});
const asset = addresses(pages.metafile);

await page('src/chat/index.html', 'index.html', asset);
await page('src/playground/index.html', 'graphiql/index.html', asset);
