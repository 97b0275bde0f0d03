// What GraphQL over HTTP demands (MUST) and recommends (SHOULD). What it only allows (MAY) is told and not held.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { Server } from '../browser/server.ts';

let server: Server;

before(async () => {
  server = await Server.start();
});

after(async () => {
  await server.stop();
});

const audits = serverAudits({ url: () => `${server.url}/graphql`, fetchFn: fetch });

test('there are audits', () => assert.ok(audits.length > 50, String(audits.length)));

for (const audit of audits) {
  test(audit.name, async context => {
    const result = await audit.fn();
    if (result.status === 'ok') return;
    if (result.status === 'notice') return context.diagnostic(result.reason);
    assert.fail(`${result.status}: ${result.reason}`);
  });
}
