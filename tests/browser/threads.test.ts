// Threads: what hangs below a message of a group.
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

const { registered } = stage();

const pane = (person: Person): Locator => person.page.getByRole('complementary', { name: 'Thread' });
const inThread = (person: Person): Promise<string[]> => pane(person).locator('.text').allTextContents();
const inMain = (person: Person): Promise<string[]> =>
  person.page.locator('.conversation .messages .text').allTextContents();

async function reply(person: Person, ...texts: string[]): Promise<void> {
  const field = pane(person).getByRole('textbox');
  for (const text of texts) {
    await field.fill(text);
    await field.press('Enter');
  }
}

test('replies in a thread stand beside the conversation, and in it where both are wanted', async () => {
  const ann = await registered('Ann', { viewport: { width: 1280, height: 760 } });
  const ben = await registered('Ben', { viewport: { width: 390, height: 720 }, colorScheme: 'dark' });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Where do we go?', 'It rains');
  await ann.message('Where do we go?').focus();
  await ann.page.keyboard.press('t');
  await eventually(
    () =>
      pane(ann)
        .getByRole('textbox')
        .evaluate(field => field === document.activeElement),
    true,
  );
  await reply(ann, 'To the mill?');
  await eventually(() => inThread(ann), ['Where do we go?', 'To the mill?']);
  await ben.choose('Walkers');
  const replies = ben.message('Where do we go?').getByRole('button', { name: '1 reply' });
  await replies.waitFor();
  await eventually(() => inMain(ben), ['Where do we go?', 'It rains']);
  await ben.shot('thread-closed-narrow');
  await replies.click();
  await eventually(() => inThread(ben), ['Where do we go?', 'To the mill?']);
  await reply(ben, 'Rather to the lake');
  await eventually(() => inThread(ann), ['Where do we go?', 'To the mill?', 'Rather to the lake']);
  await ann.message('Where do we go?').first().getByRole('button', { name: '2 replies' }).waitFor();
  await pane(ben).getByLabel('Show it in the conversation, too').check();
  await ben.shot('thread-narrow');
  await reply(ben, 'To the lake, all agreed?');
  await eventually(() => inMain(ann), ['Where do we go?', 'It rains', 'To the lake, all agreed?']);
  await ann.shot('thread');
  await ann.page.keyboard.press('Escape');
  await pane(ann).waitFor({ state: 'detached' });
  // The other way into it.
  await ann.message('To the lake, all agreed?').getByRole('button', { name: 'In a thread' }).click();
  await eventually(async () => (await inThread(ann)).length, 4);
  await pane(ann).getByRole('button', { name: 'Close' }).click();
  await ann.page.getByRole('button', { name: 'Threads' }).click();
  const list = ann.page.getByRole('dialog', { name: 'Threads' });
  await list.getByText('Ann, 3 replies').waitFor();
  await ann.shot('threads');
  await list.getByText('Where do we go?').click();
  await eventually(async () => (await inThread(ann)).length, 4);
  await ann.leave();
  await ben.leave();
});

test('a thread is the same after a reload, unread by itself, and its messages change like others', async () => {
  const ann = await registered('Ann', { viewport: { width: 1280, height: 760 } });
  const ben = await registered('Ben', { viewport: { width: 1280, height: 760 } });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Where do we go?');
  await ben.choose('Walkers');
  await ben.sees('Where do we go?');
  await ben.turnAway();
  await ann.message('Where do we go?').hover();
  await ann.message('Where do we go?').getByRole('button', { name: 'Reply in a thread' }).click();
  await reply(ann, 'To the lake');
  await pane(ann).locator('.message[data-seq]').getByText('To the lake').waitFor();
  await ben.choose('Walkers');
  await ben.message('Where do we go?').getByRole('button', { name: '1 reply' }).waitFor();
  await eventually(() => ben.page.locator('.badge').count(), 0);
  await ben.page.reload();
  await ben.message('Where do we go?').getByRole('button', { name: '1 reply' }).click();
  const said = pane(ann).locator('.message[data-seq]').filter({ hasText: 'To the lake' });
  await said.hover();
  await said.getByRole('button', { name: 'Edit', exact: true }).click();
  await ann.page.getByRole('textbox', { name: 'Edit message' }).fill('To the mill');
  await ann.page.keyboard.press('Enter');
  await eventually(() => inThread(ben), ['Where do we go?', 'To the mill']);
  const his = pane(ben).locator('.message[data-seq]').filter({ hasText: 'To the mill' });
  await his.hover();
  await his.getByRole('button', { name: 'React' }).click();
  await ben.page.getByRole('button', { name: 'thumbs up' }).click();
  await eventually(() => pane(ann).locator('.reaction').allTextContents(), ['👍 1']);
  await ann.page.reload();
  await ann.message('Where do we go?').getByRole('button', { name: '1 reply' }).click();
  await eventually(() => inThread(ann), ['Where do we go?', 'To the mill']);
  await eventually(() => pane(ann).locator('.reaction').allTextContents(), ['👍 1']);
  await ann.leave();
  await ben.leave();
});

test('who follows a thread is told of new replies until they have read them', async () => {
  const ann = await registered('Ann', { viewport: { width: 1280, height: 760 } });
  const ben = await registered('Ben', { viewport: { width: 1280, height: 760 }, colorScheme: 'dark' });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Where do we go?');
  await ben.choose('Walkers');
  await ben.message('Where do we go?').focus();
  await ben.page.keyboard.press('t');
  // Whoever replies follows.
  await reply(ben, 'To the mill?');
  await pane(ben).getByRole('button', { name: 'Following' }).waitFor();
  await pane(ben).getByRole('button', { name: 'Close' }).click();
  await ann.message('Where do we go?').getByRole('button', { name: '1 reply' }).click();
  await pane(ann).getByRole('button', { name: 'Following' }).waitFor();
  await reply(ann, 'It is closed');
  const told = ben.page.getByRole('button', { name: 'Threads: 1 with new replies' });
  await told.waitFor();
  await ben.shot('threads-unread');
  await told.click();
  await ben.page.getByRole('dialog', { name: 'Threads' }).getByText('1 new').waitFor();
  await ben.page.getByRole('dialog', { name: 'Threads' }).getByText('Where do we go?').click();
  await eventually(() => inThread(ben), ['Where do we go?', 'To the mill?', 'It is closed']);
  await ben.page.getByRole('button', { name: 'Threads', exact: true }).waitFor();
  // Who does not want to be told any more is not.
  await pane(ben).getByRole('button', { name: 'Following' }).click();
  await pane(ben).getByRole('button', { name: 'Follow', exact: true }).waitFor();
  await pane(ben).getByRole('button', { name: 'Close' }).click();
  await reply(ann, 'To the lake, then');
  await ben.message('Where do we go?').getByRole('button', { name: '3 replies' }).waitFor();
  // What was said last of it may not have come to the list of conversations when that is asked for.
  const isNotTold = async (): Promise<number> => {
    await ben.page.reload();
    await ben.message('Where do we go?').getByRole('button', { name: '3 replies' }).waitFor();
    return ben.page.getByRole('button', { name: 'Threads', exact: true }).count();
  };
  await eventually(isNotTold, 1);
  await ann.leave();
  await ben.leave();
});

/** What stands in the place of a message that somebody does not see. */
const UNSEEN = 'A message that you have hidden, or from before you came';

/** Opens the one thread that somebody is told of, by the list, and waits until it is read. */
async function readsAway(person: Person, ...texts: string[]): Promise<void> {
  const told = person.page.getByRole('button', { name: 'Threads: 1 with new replies' });
  await told.click();
  const list = person.page.getByRole('dialog', { name: 'Threads' });
  await list.getByText('1 new').waitFor();
  await list.getByText(UNSEEN).click();
  await eventually(() => inThread(person), texts);
  await pane(person).getByText(UNSEEN).waitFor();
  await person.page.getByRole('button', { name: 'Threads', exact: true }).waitFor();
}

test('a newcomer reads a thread away that goes on below a message from before they came', async () => {
  const ann = await registered('Ann', { viewport: { width: 1280, height: 760 } });
  const ben = await registered('Ben');
  const cleo = await registered('Cleo', { viewport: { width: 1280, height: 760 }, colorScheme: 'dark' });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Where do we go?');
  await ann.sees('Where do we go?');
  await ann.page.getByRole('button', { name: 'About this group' }).click();
  const about = ann.page.getByRole('complementary', { name: 'About this group' });
  await about.waitFor();
  await about.getByText('Loading…').first().waitFor({ state: 'detached' });
  const settings = about.getByRole('form', { name: 'Settings of the group' });
  await settings.getByLabel('What newcomers see').selectOption('joined');
  await settings.getByRole('button', { name: 'Save' }).click();
  const links = about.getByRole('region', { name: 'Invite links' });
  await links.getByRole('button', { name: 'Make a link' }).click();
  await cleo.page.goto(await links.getByLabel('The new link').inputValue());
  const question = cleo.page.getByRole('dialog', { name: 'Come into a group?' });
  await question.getByRole('button', { name: 'Come in', exact: true }).click();
  await cleo.page.getByRole('heading', { name: 'Walkers' }).waitFor();
  const members = about.getByRole('list', { name: 'Members', exact: true }).getByRole('listitem');
  await members.filter({ hasText: 'Cleo' }).waitFor();
  await ann.message('Where do we go?').focus();
  await ann.page.keyboard.press('t');
  const field = pane(ann).getByRole('textbox');
  await field.pressSequentially('@cleo');
  await pane(ann).getByRole('listbox', { name: 'People' }).waitFor();
  await ann.page.keyboard.press('Tab');
  await field.pressSequentially('what do you say?');
  await ann.page.keyboard.press('Enter');
  const asked = `@${cleo.username} what do you say?`;
  await readsAway(cleo, asked);
  // There is nothing that an answer would hang below.
  await eventually(() => pane(cleo).getByRole('textbox').count(), 0);
  await cleo.shot('thread-unseen');
  // It stays read, and goes on.
  await cleo.page.reload();
  await cleo.page.getByRole('button', { name: 'Threads', exact: true }).waitFor();
  await reply(ann, 'To the lake?');
  await readsAway(cleo, asked, 'To the lake?');
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('whoever has hidden a message reads on below it, and answers', async () => {
  const ann = await registered('Ann', { viewport: { width: 1280, height: 760 } });
  const ben = await registered('Ben', { viewport: { width: 1280, height: 760 } });
  await ann.createGroup('Walkers', [ben]);
  await ann.say('Good morning', 'Where do we go?');
  await ben.choose('Walkers');
  await ben.message('Where do we go?').focus();
  await ben.page.keyboard.press('t');
  await reply(ben, 'To the mill?');
  await pane(ben).getByRole('button', { name: 'Following' }).waitFor();
  await pane(ben).getByRole('button', { name: 'Close' }).click();
  await ben.message('Where do we go?').focus();
  await ben.page.keyboard.press('x');
  await ben.page
    .getByRole('dialog', { name: 'Hide this message?' })
    .getByRole('button', { name: 'Hide' })
    .click();
  await eventually(() => inMain(ben), ['Good morning']);
  // The read models know it once they say so.
  await ben.item('Walkers').locator('.item-preview').filter({ hasText: 'Good morning' }).waitFor();
  await ann.message('Where do we go?').getByRole('button', { name: '1 reply' }).click();
  await reply(ann, 'It is closed');
  await ben.page.getByRole('button', { name: 'Threads: 1 with new replies' }).waitFor();
  // A page that is opened again is told by what it loads alone.
  await ben.page.reload();
  await readsAway(ben, 'To the mill?', 'It is closed');
  await reply(ben, 'Home, then');
  await eventually(() => inThread(ann), ['Where do we go?', 'To the mill?', 'It is closed', 'Home, then']);
  for (const person of [ann, ben]) await person.leave();
});
