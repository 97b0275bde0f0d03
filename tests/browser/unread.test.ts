// What somebody has not read: where it begins, and the way there.
import { test } from 'node:test';
import { flood } from './flood.ts';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { registered, two } = stage();

/** What stands right below the line that says “New”. */
const first = async (person: Person): Promise<string | undefined> =>
  (await person.page.locator('.line.unread + .message .text').allTextContents())[0];

const below = (person: Person): Promise<number> =>
  person.page.locator('.messages').evaluate(list => list.scrollHeight - list.scrollTop - list.clientHeight);

test('a conversation opens at its end, and leads to the first message that was not read', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { colorScheme: 'dark' });
  await ann.openDirect(ben);
  await flood(ann, 250);
  await ben.item('Ann').getByLabel('250 unread').waitFor();
  await ben.choose('Ann');
  await ben.sees('message 250');
  const unread = ben.page.getByRole('button', { name: '250 unread messages' });
  await unread.waitFor();
  await ben.shot('unread');
  await unread.click();
  await ben.sees('message 1');
  await eventually(() => first(ben), 'message 1');
  await unread.waitFor({ state: 'detached' });
  await eventually(
    () => ben.message('message 1').evaluate(message => message === document.activeElement),
    true,
  );
  await ben.shot('unread-first');
  await ben.page.getByRole('button', { name: /Newest|new/ }).click();
  await ben.sees('message 250');
  await eventually(() => below(ben), 0);
  await unread.waitFor({ state: 'detached' });
  await ann.leave();
  await ben.leave();
});

test('few that were not read are in view at once, and so is where they begin', async () => {
  const [ann, ben] = await two();
  await ben.turnAway();
  await ann.say('one', 'two');
  await ben.item('Ann').getByLabel('2 unread').waitFor();
  await ben.choose('Ann');
  await eventually(() => first(ben), 'one');
  await ben.page.locator('.to-unread').waitFor({ state: 'detached' });
  await ann.leave();
  await ben.leave();
});

test('what comes while one reads further up begins behind a line of its own', async () => {
  const [ann, ben] = await two();
  await flood(ann, 60);
  await ben.sees('message 60');
  // Something that is drawn in the same moment goes to the end once more.
  await eventually(async () => {
    await ben.page.locator('.messages').evaluate(list => (list.scrollTop = 0));
    return ben.page.getByRole('button', { name: 'Newest ↓' }).count();
  }, 1);
  await ann.say('Are you there?', 'Hello?');
  await ben.page.getByRole('button', { name: '2 new ↓' }).click();
  await eventually(() => first(ben), 'Are you there?');
  await eventually(() => below(ben), 0);
  await ann.leave();
  await ben.leave();
});
