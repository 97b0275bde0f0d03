import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openBrowser, PASSWORD, Person } from './person.ts';
import { Server } from './server.ts';

let server: Server;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), openBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Pastes into the query editor, in the place of what is there, and waits until the editor has understood `name`. */
async function write(page: Page, name: string, query: string): Promise<void> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(text => navigator.clipboard.writeText(text), query);
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('ControlOrMeta+V');
  await page.getByRole('tab', { name }).waitFor();
}

const run = (page: Page): Promise<void> => page.keyboard.press('ControlOrMeta+Enter');

const answer = (page: Page, text: string): Promise<void> =>
  page.locator('.result-window').getByText(text).first().waitFor();

test('the playground answers a history query with the login of the chat page', async () => {
  const ann = await Person.arrive(browser, server.url, 'Ann');
  const ben = await Person.arrive(browser, server.url, 'Ben');
  await ann.register();
  await ben.register();
  await ann.openDirect(ben);
  await ann.say('written down for ever');
  await ann.sees('written down for ever');
  const conversation = new URL(ann.page.url()).hash.slice(1);
  assert.match(conversation, /^[0-9a-f-]{36}$/);

  const { page } = ann;
  await page.goto(`${server.url}/graphql`);
  await page.getByText(`Asking as ${ann.username}`).waitFor();
  await page.locator('.graphiql-query-editor').getByText('query Conversations').waitFor();
  await write(
    page,
    'History',
    `query History {
  conversation(id: "${conversation}") {
    messages(last: 5) {
      nodes { seq text sender { displayName } }
    }
  }
}`,
  );
  await run(page);
  await answer(page, 'written down for ever');
  await answer(page, 'Ann');
  await ann.shot('playground');
  await ann.leave();
  await ben.leave();
});

test('the default query runs, and the schema and the history are shown', async () => {
  const ann = await Person.arrive(browser, server.url, 'Ann', { colorScheme: 'dark' });
  await ann.register();
  const { page } = ann;
  await page.goto(`${server.url}/graphql`);
  await page.locator('.graphiql-query-editor').getByText('query Conversations').waitFor();
  await page.getByRole('button', { name: /Execute query/ }).click();
  await answer(page, ann.username);
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.locator('.graphiql-plugin').getByRole('link', { name: 'Query', exact: true }).click();
  await page
    .locator('.graphiql-plugin')
    .getByText("The viewer's conversations, newest activity first.")
    .waitFor();
  await ann.shot('playground-schema');
  await page.getByRole('button', { name: 'Show History' }).click();
  await page.locator('.graphiql-history').getByText('Conversations').waitFor();
  await ann.leave();
});

test('a subscription goes on until it is stopped', async () => {
  // How far the read models are is for administrators, as the first demo user is.
  const alice = await Person.arrive(browser, server.url, 'Alice');
  const { page } = alice;
  const sockets: string[] = [];
  page.on('websocket', socket => sockets.push(new URL(socket.url()).pathname));
  await page.goto(`${server.url}/graphql`);
  await page.getByLabel('Username').fill('alice');
  await page.getByLabel('Password').fill('tidings-demo');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('Asking as alice').waitFor();
  await page.locator('.graphiql-query-editor').getByText('query Conversations').waitFor();
  await write(page, 'Progress', 'subscription Progress { readModels { name behind } }');
  await run(page);
  await answer(page, 'readModels');
  // One that breaks comes back.
  assert.deepEqual([...new Set(sockets)], ['/graphql/ws']);
  await page.getByRole('button', { name: 'Stop query' }).click();
  await page.getByRole('button', { name: /Execute query/ }).waitFor();
  await alice.leave();
});

test('one can sign in on the playground itself, or paste a token', async () => {
  const ann = await Person.arrive(browser, server.url, 'Ann');
  await ann.register();
  const token = await ann.page.evaluate(
    () => JSON.parse(localStorage.getItem('tidings.session')!).token as string,
  );

  const visitor = await Person.arrive(browser, server.url, 'Visitor');
  const { page } = visitor;
  await page.goto(`${server.url}/graphql`);
  await page.getByLabel('Username').fill(ann.username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText(`Asking as ${ann.username}`).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();

  await page.getByRole('button', { name: 'Paste a token instead' }).click();
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('Asking as a pasted token').waitFor();
  await page.locator('.graphiql-query-editor').getByText('query Conversations').waitFor();
  await write(page, 'Viewer', 'query Viewer { me { username } }');
  await run(page);
  await answer(page, ann.username);
  await ann.leave();
  await visitor.leave();
});
