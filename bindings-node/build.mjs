// Builds the addon and puts it beside the loader, under the name that the loader looks for:
// `npm run build` for a release, `npm run build:debug` while developing. Behind ` -- `, each takes
// `--features postgres`, for books in PostgreSQL.

import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';

const release = !process.argv.includes('--debug');
const place = process.argv.indexOf('--features');
const features = place < 0 ? [] : process.argv.slice(place, place + 2);

const args = ['--package', 'fiscaflow-node', '--lib', '--locked'];
const profile = release ? ['--release'] : [];
const output = ['--message-format', 'json-render-diagnostics'];
const strip = release ? ['--', '-C', 'strip=symbols'] : [];
const built = run('cargo', ['rustc', ...args, ...features, ...profile, ...output, ...strip]);

const messages = built.trim().split('\n').map((line) => JSON.parse(line));
const artifact = messages.findLast((message) => message.target?.name === 'fiscaflow_node');
const library = artifact?.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
if (!library) throw new Error('cargo built no library');

const addon = new URL(`fiscaflow.${platform()}.node`, import.meta.url);
// Not over the old one: a running process may have it mapped.
rmSync(addon, { force: true });
copyFileSync(library, addon);

/** The platform as `native.js` spells it. */
function platform() {
  const host = run('rustc', ['--version', '--verbose']).match(/^host: .*-(\w+)$/m)?.[1];
  const parts = [process.platform, process.arch];
  return (process.platform === 'darwin' ? parts : [...parts, host]).join('-');
}

function run(program, programArgs) {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] };
  const done = spawnSync(program, programArgs, options);
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
  return done.stdout;
}
