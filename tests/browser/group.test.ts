// A group that is governed: roles, invitations, links, requests, settings, mutes and bans, each shown to whom it is for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { eventually, PASSWORD, type Person } from './person.ts';
import { stage } from './stage.ts';

const here = stage();
const { registered } = here;

/** What stands beside the conversation. */
const pane = (person: Person): Locator =>
  person.page.getByRole('complementary', { name: 'About this group' });

async function open(person: Person): Promise<Locator> {
  await person.page.getByRole('button', { name: 'About this group' }).click();
  await pane(person).waitFor();
  await pane(person).getByText('Loading…').first().waitFor({ state: 'detached' });
  return pane(person);
}

const row = (person: Person, list: string, name: string): Locator =>
  pane(person).getByRole('list', { name: list, exact: true }).getByRole('listitem').filter({ hasText: name });

async function act(person: Person, name: string, choice: string): Promise<void> {
  await pane(person)
    .getByRole('button', { name: `What to do with ${name}` })
    .click();
  await person.page.getByRole('menuitem', { name: choice, exact: true }).click();
  await person.page.getByRole('menu').waitFor({ state: 'detached' });
}

/** Answers the question that is open. */
async function answer(person: Person, yes: string): Promise<void> {
  const dialog = person.page.getByRole('dialog');
  await dialog.getByRole('button', { name: yes, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

test('an owner makes an admin, mutes and bans, and members are shown none of it to do', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben', { colorScheme: 'dark' });
  const cleo = await registered('Cleo', { viewport: { width: 390, height: 720 } });
  await ann.createGroup('Walkers', [ben, cleo]);
  await ben.choose('Walkers');
  await cleo.choose('Walkers');
  await open(ann);
  await open(ben);
  // Whoever is an ordinary member sees who is in, and leaves.
  await row(ben, 'Members', 'Cleo').waitFor();
  assert.equal(
    await pane(ben)
      .getByRole('button', { name: /^What to do with/ })
      .count(),
    0,
  );
  for (const title of ['Settings', 'Invite links', 'Banned', 'Invite people'])
    assert.equal(await pane(ben).getByRole('heading', { name: title, exact: true }).count(), 0, title);

  await act(ann, 'Ben', 'Make an admin');
  await row(ann, 'Members', 'Ben').getByText('admin').waitFor();
  await pane(ben).getByRole('heading', { name: 'Settings', exact: true }).waitFor();
  await ann.shot('group-pane');
  await ben.shot('group-pane-dark');

  // An admin mutes a member, who is told why nothing goes out.
  await act(ben, 'Cleo', 'Mute…');
  const mute = ben.page.getByRole('dialog', { name: 'Mute Cleo?' });
  await mute.getByLabel('How long').selectOption({ label: 'For an hour' });
  await answer(ben, 'Mute');
  await row(ann, 'Members', 'Cleo')
    .getByText(/muted until/)
    .waitFor();
  await cleo.say('But why?');
  await cleo.page.getByText('Not sent: you are muted in this group').waitFor();
  await act(ann, 'Cleo', 'Let write again');
  await row(ben, 'Members', 'Cleo')
    .getByText(/muted until/)
    .waitFor({ state: 'detached' });
  await cleo.page.getByRole('button', { name: 'Retry' }).click();
  await ann.sees('But why?');

  // On a small screen the pane stands in the place of the conversation, and Escape leads back.
  await open(cleo);
  await cleo.shot('group-pane-narrow');
  await cleo.page.keyboard.press('Escape');
  await pane(cleo).waitFor({ state: 'detached' });
  await cleo.field.waitFor();

  await act(ann, 'Cleo', 'Ban…');
  await ann.page.getByRole('dialog', { name: 'Ban Cleo?' }).getByLabel('Reason').fill('too loud');
  await ann.shot('ban');
  await answer(ann, 'Ban');
  await row(ann, 'Banned', 'Cleo').getByText('too loud').waitFor();
  await row(ben, 'Banned', 'Cleo').waitFor();
  await cleo.page.getByText('You are no longer a member of this conversation.').waitFor();
  await pane(ben).getByRole('button', { name: 'Unban Cleo' }).click();
  await row(ann, 'Banned', 'Cleo').waitFor({ state: 'detached' });

  await act(ann, 'Ben', 'Hand the group on…');
  await answer(ann, 'Hand on');
  await row(ann, 'Members', 'Ben').getByText('owner').waitFor();
  await row(ben, 'Members', 'Ann').getByText('admin').waitFor();
  await pane(ann).getByRole('button', { name: 'Leave the group' }).click();
  await answer(ann, 'Leave');
  await ann.page.getByText('You are no longer a member of this conversation.').waitFor();
  await row(ben, 'Members', 'Ann').waitFor({ state: 'detached' });
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('people come in by an invitation, by a link, and by asking', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo', { viewport: { width: 390, height: 720 } });
  await ann.createGroup('Walkers', [ben]);
  await open(ann);
  const invite = pane(ann).getByRole('region', { name: 'Invite people' });
  await invite.getByLabel('Username').fill('nobody-at-all');
  await invite.getByRole('button', { name: 'Invite' }).click();
  await invite.getByText('Not invited: Nobody here is called “nobody-at-all”.').waitFor();
  await invite.getByLabel('Username').fill(cleo.username);
  await invite.getByRole('button', { name: 'Invite' }).click();
  await row(ann, 'Invited', 'Cleo').waitFor();
  const offered = cleo.page.getByRole('list', { name: 'Invitations' });
  await offered.getByText('Walkers').waitFor();
  await row(ann, 'Invited', 'Cleo').getByRole('button', { name: 'Withdraw the invitation of Cleo' }).click();
  await row(ann, 'Invited', 'Cleo').waitFor({ state: 'detached' });
  await offered.waitFor({ state: 'detached' });

  // A link for one.
  const links = pane(ann).getByRole('region', { name: 'Invite links' });
  await links.getByLabel('How many people').fill('1');
  await links.getByRole('button', { name: 'Make a link' }).click();
  const address = await links.getByLabel('The new link').inputValue();
  await row(ann, 'Links', 'used 0 of 1 times').waitFor();
  await ann.shot('invite-link');
  await cleo.page.goto(address);
  const question = cleo.page.getByRole('dialog', { name: 'Come into a group?' });
  await question.waitFor();
  const hash = (): Promise<string> => cleo.page.evaluate(() => location.hash);
  assert.equal(await hash(), '', 'the secret stays in no history');
  await cleo.shot('join-narrow');
  await question.getByRole('button', { name: 'Come in', exact: true }).click();
  await cleo.page.getByRole('heading', { name: 'Walkers' }).waitFor();
  await row(ann, 'Members', 'Cleo').waitFor();
  // It is used up.
  await row(ann, 'Links', 'used 0 of 1 times').waitFor({ state: 'detached' });
  await open(cleo);
  await pane(cleo).getByRole('button', { name: 'Leave the group' }).click();
  await answer(cleo, 'Leave');
  await row(ann, 'Members', 'Cleo').waitFor({ state: 'detached' });

  // A group that wants to be asked.
  const settings = pane(ann).getByRole('form', { name: 'Settings of the group' });
  await settings.getByLabel('How people come in of themselves').selectOption('request');
  await settings.getByLabel('Who may write').selectOption('admins');
  await settings.getByRole('button', { name: 'Save' }).click();
  const ask = await pane(ann).getByLabel('Where people come in').inputValue();
  await ben.choose('Walkers');
  await ben.page.getByText('Only owners and admins write here.').waitFor();
  await cleo.page.goto(ask);
  await question.getByRole('button', { name: 'Come in, or ask to' }).click();
  await question.getByText(/^You have asked to be let in/).waitFor();
  await question.getByRole('button', { name: 'Close' }).click();
  await row(ann, 'Requests', 'Cleo').waitFor();
  await ann.shot('join-request');
  await pane(ann).getByRole('button', { name: 'Approve Cleo' }).click();
  await row(ann, 'Requests', 'Cleo').waitFor({ state: 'detached' });
  await row(ann, 'Members', 'Cleo').waitFor();
  // Beside it stands what she has looked at before, of the group that she is in again.
  await pane(cleo).getByRole('button', { name: 'Leave the group' }).waitFor();

  // Whoever has to sign in first is asked behind that.
  await links.getByRole('button', { name: 'Make a link' }).click();
  await row(ann, 'Links', 'used 0 of 1 times').waitFor();
  await cleo.turnAway();
  await cleo.page.getByRole('button', { name: 'Sign out' }).click();
  await cleo.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await cleo.page.goto(await links.getByLabel('The new link').inputValue());
  await eventually(hash, '');
  await cleo.signIn();
  await question.getByRole('button', { name: 'Cancel' }).click();
  await question.waitFor({ state: 'detached' });
  for (const person of [ann, ben, cleo]) await person.leave();
});

test('whoever asks to be let in takes that back, and is told when they are in', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo', { viewport: { width: 390, height: 720 } });
  const dan = await registered('Dan');
  await ann.createGroup('Walkers', [dan]);
  await open(ann);
  const settings = pane(ann).getByRole('form', { name: 'Settings of the group' });
  await settings.getByLabel('How people come in of themselves').selectOption('request');
  await settings.getByRole('button', { name: 'Save' }).click();
  const ask = await pane(ann).getByLabel('Where people come in').inputValue();
  const question = (person: Person): Locator =>
    person.page.getByRole('dialog', { name: 'Come into a group?' });
  const takeBack = (person: Person): Locator =>
    question(person).getByRole('button', { name: 'Take it back' });
  for (const person of [ben, cleo]) {
    await person.page.goto(ask);
    await question(person).getByRole('button', { name: 'Come in, or ask to' }).press('Enter');
    await question(person)
      .getByText(/^You have asked to be let in/)
      .waitFor();
    await row(ann, 'Requests', person.name).waitFor();
  }
  await cleo.shot('join-asked-narrow');

  // Also behind the address, once more, while the first question is open yet.
  await ben.page.goto(ask);
  await question(ben).getByRole('button', { name: 'Come in, or ask to' }).click();
  await takeBack(ben).press('Enter');
  await question(ben)
    .getByText(/^You ask no more/)
    .waitFor();
  assert.equal(await takeBack(ben).count(), 0);
  const stays = (): Promise<boolean> => question(ben).evaluate(one => one.contains(document.activeElement));
  await eventually(stays, true);
  await row(ann, 'Requests', 'Ben').waitFor({ state: 'detached' });
  await ann.page.getByText('Ben asks no more to be let in').first().waitFor();
  await question(ben).getByRole('button', { name: 'Close' }).click();
  await question(ben).waitFor({ state: 'detached' });
  await ben.page.goto(ask);
  await question(ben).getByRole('button', { name: 'Come in, or ask to' }).click();
  await question(ben)
    .getByText(/^You did not come in: .*Try again in /)
    .waitFor();

  await pane(ann).getByRole('button', { name: 'Approve Cleo' }).click();
  await question(cleo)
    .getByText(/^You were let in/)
    .waitFor();
  assert.equal(await takeBack(cleo).count(), 0);
  for (const person of [ann, ben, cleo, dan]) await person.leave();
});

test('when what has the focus is gone, the focus stays close to where it was', async () => {
  const ann = await registered('Ann');
  const ben = await registered('Ben');
  const cleo = await registered('Cleo');
  const dan = await registered('Dan');
  await ann.createGroup('Walkers', [ben, cleo]);
  await open(ann);
  const has = (part: Locator): Promise<boolean> => part.evaluate(one => one.contains(document.activeElement));
  const region = (name: string): Locator => pane(ann).getByRole('region', { name });
  const press = (button: Locator): Promise<void> => button.press('Enter');

  await act(ann, 'Ben', 'Remove…');
  await answer(ann, 'Remove');
  await row(ann, 'Members', 'Ben').waitFor({ state: 'detached' });
  await eventually(() => has(pane(ann).getByRole('list', { name: 'Members', exact: true })), true);

  await press(region('Invite links').getByRole('button', { name: 'Make a link' }));
  await row(ann, 'Links', 'used 0 times').waitFor();
  await press(region('Invite links').getByRole('button', { name: /^Revoke: / }));
  await row(ann, 'Links', 'used 0 times').waitFor({ state: 'detached' });
  await eventually(() => has(region('Invite links')), true);

  await press(pane(ann).getByRole('button', { name: 'Rename' }));
  await eventually(() => has(pane(ann).getByLabel('Name of the group')), true);
  await press(pane(ann).getByRole('button', { name: 'Cancel' }));
  await eventually(() => has(pane(ann).getByRole('button', { name: 'Rename' })), true);

  const settings = pane(ann).getByRole('form', { name: 'Settings of the group' });
  await settings.getByLabel('How people come in of themselves').selectOption('request');
  await settings.getByRole('button', { name: 'Save' }).click();
  const ask = await pane(ann).getByLabel('Where people come in').inputValue();
  await ben.page.goto(ask);
  const question = ben.page.getByRole('dialog', { name: 'Come into a group?' });
  await question.getByRole('button', { name: 'Come in, or ask to' }).click();
  await press(pane(ann).getByRole('button', { name: 'Approve Ben' }));
  await row(ann, 'Requests', 'Ben').waitFor({ state: 'detached' });
  await eventually(() => has(region('Who asks to be let in')), true);

  // Whoever has clicked away from there is not brought back.
  await dan.page.goto(ask);
  const asks = dan.page.getByRole('dialog', { name: 'Come into a group?' });
  await asks.getByRole('button', { name: 'Come in, or ask to' }).click();
  await pane(ann).getByRole('button', { name: 'Approve Dan' }).focus();
  await pane(ann)
    .getByRole('button', { name: 'Approve Dan' })
    .evaluate(button => button.blur());
  await asks.getByRole('button', { name: 'Take it back' }).click();
  await row(ann, 'Requests', 'Dan').waitFor({ state: 'detached' });
  assert.equal(await ann.page.evaluate(() => document.activeElement === document.body), true);
  await pane(ann).getByRole('button', { name: 'Close', exact: true }).focus();

  // Whoever closes the pane goes back to where they came from.
  await ann.page.keyboard.press('Escape');
  await pane(ann).waitFor({ state: 'detached' });
  await eventually(() => has(ann.page.getByRole('button', { name: 'About this group' })), true);
  for (const person of [ann, ben, cleo, dan]) await person.leave();
});

/** As many as the list of conversations names of a group. */
const NAMED = 40;

interface Account {
  id: string;
  name: string;
  username: string;
}

/** People who have no browser, in the order of their ids. */
async function crowd(names: readonly string[]): Promise<Account[]> {
  const people: Account[] = [];
  for (const name of names) {
    const username = `${name.toLowerCase()}-${Math.random().toString(36).slice(2, 8)}`;
    const answer = await fetch(`${here.server.url}/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password: PASSWORD, display_name: name }),
    });
    assert.equal(answer.status, 201);
    people.push({ id: ((await answer.json()) as { user: string }).user, name, username });
  }
  return people.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Makes a group of more than anybody would name in the dialog, over a socket of the page's own. */
async function gather(person: Person, name: string, members: readonly string[]): Promise<void> {
  await person.page.evaluate(
    async ([name, members]) => {
      const { token } = JSON.parse(localStorage.getItem('tidings.session')!) as { token: string };
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws`);
      await new Promise(opened => (socket.onopen = opened));
      socket.send(JSON.stringify({ type: 'hello', token, device: crypto.randomUUID() }));
      await new Promise<void>(done => {
        socket.onmessage = ({ data }) => String(data).includes('{"type":"ack"') && done();
        socket.send(JSON.stringify({ type: 'group.create', id: crypto.randomUUID(), name, members }));
      });
      socket.close(1000);
    },
    [name, members] as const,
  );
}

/** A person's page is told of the first members, and that there are always more, as in a group of a million. */
async function withMoreThanAreLoaded(person: Person): Promise<void> {
  interface Answer {
    data: {
      conversation: { members: { nodes: object[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
    };
  }
  let end: string | undefined;
  await person.page.route('**/graphql', async route => {
    const { query } = route.request().postDataJSON() as { query: string };
    if (!query.startsWith('query Members(')) return route.continue();
    const response = await route.fetch();
    const json = (await response.json()) as Answer;
    const { members } = json.data.conversation;
    end ??= members.pageInfo.endCursor;
    members.nodes = members.nodes.slice(0, NAMED);
    members.pageInfo = { hasNextPage: true, endCursor: end };
    await route.fulfill({ response, json });
  });
}

test('a member beyond those who are loaded is found by username, and governed like others', async () => {
  const ann = await registered('Ann');
  const people = await crowd(Array.from({ length: NAMED + 1 }, (_, n) => `Walker${n + 10}`));
  // Members are told in the order of their ids.
  const { name, username } = people.at(-1)!;
  await gather(
    ann,
    'Walkers',
    people.map(({ id }) => id),
  );
  await ann.item('Walkers').waitFor();
  await withMoreThanAreLoaded(ann);
  await ann.page.reload();
  await ann.choose('Walkers');
  await open(ann);
  await pane(ann)
    .getByText(/^The group is larger: /)
    .waitFor();
  const search = pane(ann).getByRole('searchbox', { name: 'Find a member' });
  const find = pane(ann).getByRole('button', { name: 'By username' });
  await search.fill('nobody-at-all');
  await find.click();
  await pane(ann).getByText('Not found: Nobody here is called “nobody-at-all”.').waitFor();
  await search.fill(username);
  assert.equal(await row(ann, 'Members', name).count(), 0);
  await search.press('Enter');
  await row(ann, 'Members', name).waitFor();
  await ann.shot('member-found');
  await act(ann, name, 'Make an admin');
  await row(ann, 'Members', name).getByText('admin').waitFor();
  await act(ann, name, 'Remove…');
  await answer(ann, 'Remove');
  await row(ann, 'Members', name).waitFor({ state: 'detached' });
  await find.click();
  await pane(ann).getByText(`Not found: ${name} is not in this group.`).waitFor();
  await ann.leave();
});
