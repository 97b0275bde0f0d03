// What people are told beside messages: announcements, and what waits for them or was done about them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.ts';
import { stage } from './stage.ts';

const scene = stage();
const { again, registered } = scene;

async function post(path: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${scene.server.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** The first demo user is an administrator. */
async function announce(text: string): Promise<void> {
  const { token } = await post('/auth/login', { username: 'alice', password: 'tidings-demo' });
  const query = 'mutation Announce($text: String!) { announce(text: $text) { id } }';
  const answer = await post('/graphql', { query, variables: { text } }, String(token));
  assert.equal(answer['errors'], undefined);
}

test('an announcement is shown at once, and to those who come back, until it is dismissed', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  const address = ben.page.url();
  await ben.page.goto('about:blank');
  const text = `The server rests at noon ${Math.random().toString(36).slice(2)}`;
  await announce(text);
  const shown = ann.page.getByRole('status', { name: 'Announcements' });
  await shown.getByText(text).waitFor();
  await ann.page.getByRole('button', { name: /^Notices: \d+ new$/ }).waitFor();
  await ann.shot('announcement');
  await ben.page.goto(address);
  const missed = ben.page.getByRole('status', { name: 'Announcements' });
  await missed.getByText(text).waitFor();
  await ben.shot('announcement-narrow');
  await missed.getByRole('button', { name: `Dismiss: ${text}` }).click();
  await missed.getByText(text).waitFor({ state: 'detached' });
  await ben.page.reload();
  await ben.link('online');
  await ben.page.getByRole('button', { name: 'Notices' }).click();
  await ben.page.getByRole('list', { name: 'Notices' }).getByText(text).waitFor();
  assert.equal(await missed.getByText(text).count(), 0);
  // Another device learns that it was read.
  const desk = await again(ben);
  await desk.page.getByRole('button', { name: 'Notices' }).click();
  await desk.page.getByRole('list', { name: 'Notices' }).getByText(text).waitFor();
  const elsewhere = desk.page.getByRole('status', { name: 'Announcements' });
  await eventually(() => elsewhere.getByText(text).count(), 0);
  for (const person of [ann, ben, desk]) await person.leave();
});

test('what others do about somebody, and what waits for them, stands in one place', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  await ann.createGroup('Walkers', [ben]);
  await ben.item('Walkers').waitFor();
  await ann.page.getByRole('button', { name: 'About this group' }).click();
  const pane = ann.page.getByRole('complementary', { name: 'About this group' });
  await pane.getByRole('button', { name: 'What to do with Ben' }).click();
  await ann.page.getByRole('menuitem', { name: 'Make an admin' }).click();
  await ben.page.getByRole('button', { name: /^Notices: \d+ new$/ }).click();
  const notices = ben.page.getByRole('region', { name: 'Notices' });
  await notices.getByText('Ann made you an admin of Walkers').waitFor();
  await ben.page.getByRole('button', { name: 'Notices', exact: true }).waitFor();
  await ann.page.getByRole('button', { name: /^Contacts/ }).click();
  const form = ann.page.getByRole('form', { name: 'Ask somebody to be a contact' });
  await form.getByLabel('Username').fill(ben.username);
  await form.getByRole('button', { name: 'Ask', exact: true }).click();
  await notices.getByRole('button', { name: 'Accept: Ann' }).click();
  await eventually(() => notices.getByRole('button', { name: 'Accept: Ann' }).count(), 0);
  await ben.shot('notices');
  for (const person of [ann, ben]) await person.leave();
});
