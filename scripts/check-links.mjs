// Checks that what the documents link to is there: files, folders, and headings within documents. Links to other hosts are
// left alone, so that no network is needed.
//
//   node scripts/check-links.mjs

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const documents = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).split('\n').filter(Boolean);
const broken = [];
let links = 0;

for (const document of documents) {
    for (const target of targets(readFileSync(document, 'utf8'))) {
        if (/^[a-z][a-z+.-]*:/i.test(target)) continue;
        links += 1;
        const [path, heading] = target.split('#');
        const file = path === '' ? document : normalize(join(dirname(document), decodeURIComponent(path)));
        if (!existsSync(file)) broken.push(`${document}: ${target}: there is no ${file}`);
        else if (heading && file.endsWith('.md') && !headings(file).has(heading)) {
            broken.push(`${document}: ${target}: no such heading`);
        }
    }
}

for (const line of broken) console.error(line);
console.log(`${links} links in ${documents.length} documents, ${broken.length} broken`);
process.exit(broken.length > 0 ? 1 : 0);

// Where the links of a document lead, but those in code.
function targets(text) {
    const prose = text.replace(/^( {4}|\t).*$/gm, '').replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
    const inline = [...prose.matchAll(/\]\(([^()\s]+(?:\([^()\s]*\))?)(?:\s+"[^"]*")?\)/g)];
    const named = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
    return [...inline, ...named].map((match) => match[1]);
}

// The names under which the headings of a document are linked.
function headings(file) {
    const names = new Set();
    for (const [, heading] of readFileSync(file, 'utf8').matchAll(/^#{1,6} +(.+?) *$/gm)) {
        const name = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
        let unique = name;
        for (let n = 1; names.has(unique); n += 1) unique = `${name}-${n}`;
        names.add(unique);
    }
    return names;
}
