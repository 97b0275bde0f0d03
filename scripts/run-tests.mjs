// Runs Rust's test binaries several at a time, because most of a test's time is waiting.
//
//   cargo test --no-run --message-format=json-render-diagnostics | node scripts/run-tests.mjs [--jobs N] [--limit SECONDS]
//
// Each binary runs as cargo runs it, in the directory of its package. What it printed is shown when it has ended. One that
// does not end within the limit is ended, with the names of the tests that had not come to an end, and counts as failed.

import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, basename, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

// These start whole stands of servers and load them: one of them at a time.
const HEAVY = new Set(['tidings-bench', 'tidings-chaos', 'tidings-judge', 'tidings-scale']);
// Begun first, because they take longest.
const LONGEST = ['tidings', 'tidings-chaos', 'tidings-projections', 'tidings-scale', 'tidings-bench', 'tidings-services'];
// Tests of the others at the same time, because most of a test's time is waiting, too.
const THREADS = String(Math.max(4, availableParallelism()));
// What a binary may print; more is cut.
const OUTPUT_MAX = 8 * 1024 * 1024;

const { values } = parseArgs({
    options: { jobs: { type: 'string', default: '2' }, limit: { type: 'string', default: '900' } },
});
const [jobs, limit] = [values.jobs, values.limit].map(Number);
if (!(jobs >= 1 && limit >= 1)) throw new Error('--jobs and --limit are numbers from 1');

const waiting = await binaries();
const running = new Set();
const failed = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
        for (const child of running) end(child.process);
        process.exit(1);
    });
}

await Promise.all(Array.from({ length: jobs }, work));
if (waiting.length > 0) throw new Error('some tests were left over');
if (failed.length > 0) {
    console.log(`failed: ${failed.join(', ')}`);
    process.exit(1);
}

async function binaries() {
    const found = [];
    for await (const line of createInterface({ input: process.stdin })) {
        if (!line.startsWith('{')) continue;
        const message = JSON.parse(line);
        if (message.reason === 'build-finished' && !message.success) process.exit(1);
        if (message.reason !== 'compiler-artifact' || !message.profile.test || !message.executable) continue;
        const folder = dirname(message.manifest_path);
        found.push({
            name: `${basename(folder)}: ${message.target.kind.join()} ${message.target.name}`,
            crate: crateOf(message.package_id),
            executable: message.executable,
            folder,
        });
    }
    // No tests at all would otherwise look like success.
    if (found.length === 0) throw new Error('no test binary was named');
    const rank = (binary) => {
        const place = LONGEST.indexOf(binary.crate);
        return place < 0 ? LONGEST.length : place;
    };
    return found.sort((a, b) => rank(a) - rank(b));
}

// "path+file:///somewhere/folder#name@0.1.0", or "…/name#0.1.0" where the folder is called like the crate.
function crateOf(id) {
    const [place, version] = id.split('#');
    return version.includes('@') ? version.split('@')[0] : basename(place);
}

async function work() {
    for (;;) {
        const heavy = [...running].some((child) => HEAVY.has(child.crate));
        const index = waiting.findIndex((binary) => !(heavy && HEAVY.has(binary.crate)));
        if (waiting.length === 0) return;
        if (index < 0) {
            await Promise.race([...running].map((child) => child.ended));
            continue;
        }
        const [binary] = waiting.splice(index, 1);
        await run(binary);
    }
}

async function run(binary) {
    const began = Date.now();
    // A group of its own, so that a binary that hangs ends with all that it started.
    const child = spawn(binary.executable, [], {
        cwd: binary.folder,
        detached: true,
        env: {
            ...(HEAVY.has(binary.crate) ? {} : { RUST_TEST_THREADS: THREADS }),
            ...process.env,
            CARGO_MANIFEST_DIR: binary.folder,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text) => {
            if (output.length < OUTPUT_MAX) output += text;
        });
    }
    const entry = { process: child, crate: binary.crate };
    let late = false;
    const timer = setTimeout(() => {
        late = true;
        end(child);
    }, limit * 1000);
    entry.ended = new Promise((resolve) => {
        child.on('error', (error) => {
            output += `${error}\n`;
            resolve('did not start');
        });
        // Not "close": a server that outlived the test would hold the pipes open.
        child.on('exit', (code, signal) => setTimeout(() => resolve(signal ?? code), 100));
    });
    running.add(entry);
    const how = await entry.ended;
    clearTimeout(timer);
    running.delete(entry);
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    console.log(`\n-- ${binary.name} (${relative(process.cwd(), binary.executable)}), ${seconds} s`);
    process.stdout.write(output);
    if (late) console.log(`NOT ENDED within ${limit} s. Without a result: ${unfinished(binary, output).join(', ')}`);
    if (how !== 0) {
        failed.push(`${binary.name} (${late ? 'not ended in time' : how})`);
    }
}

function unfinished(binary, output) {
    const listed = execFileSync(binary.executable, ['--list', '--format', 'terse'], { encoding: 'utf8' });
    const named = [...listed.matchAll(/^(.+): test$/gm)].map((match) => match[1]);
    return named.filter((name) => !output.includes(`test ${name} ... `));
}

// Ends a process group at once; the servers that tests start notice that they are alone.
function end(child) {
    try {
        process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
        if (error.code !== 'ESRCH') throw error;
    }
}
