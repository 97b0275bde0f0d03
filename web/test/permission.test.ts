// The page's table of permissions against docs/permissions.md, which the server's rules are held to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_RELATIONS } from '../src/chat/nouns/contact.ts';
import { may, type Act, type Viewer } from '../src/chat/nouns/permission.ts';
import { USUAL, type Rights } from '../src/chat/nouns/settings.ts';
import type { Role } from '../src/protocol/frames.ts';

/** The rows that the page asks for by itself; of messages it knows more than the table says. */
const ROWS: Record<string, Act> = {
  write: 'write',
  'write in a thread': 'thread',
  'show a picture or file': 'attach',
  react: 'react',
  'take a reaction back': 'unreact',
  'mention everyone': 'everyone',
  pin: 'pin',
  "edit one's own message": 'edit',
  'add somebody': 'add',
  'invite somebody': 'invite',
  "take another's invitation back": 'withdraw',
  'make a link': 'link',
  "revoke another's link": 'revoke',
  'let somebody in who asks': 'admit',
  leave: 'leave',
  'rename the group': 'rename',
  'change settings': 'settings',
  'mute somebody': 'mute',
  'remove somebody': 'remove',
  'ban somebody': 'ban',
  'lift a ban': 'unban',
  'change a role': 'role',
  'hand the group on': 'transfer',
};
const ELSEWHERE = /edit another|recall/;

const roles = new Map<string, Role>([
  ['a member', 'member'],
  ['an admin', 'admin'],
  ['an owner', 'owner'],
  ['another member', 'member'],
  ['another admin', 'admin'],
  ['another owner', 'owner'],
]);
const members = [...roles.keys()];
const viewer = (me: string): Viewer => ({ me, people: new Map(), relations: NO_RELATIONS });
const OTHERS = ['another member', 'another admin', 'another owner'];

const table = readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| act'))
  .map(line => line.split('|').map(cell => cell.trim()));

/** Whom a cell lets something be done to. */
const reached = (cell: string): string[] => {
  if (cell === 'everybody') return OTHERS;
  if (cell === 'members and admins') return OTHERS.slice(0, 2);
  return cell === 'members' ? OTHERS.slice(0, 1) : [];
};

test('the page lets everybody do what the table of permissions says, by every setting', () => {
  const seen = new Set<Act>();
  for (const [, row = '', ...cells] of table) {
    const act = ROWS[row];
    assert.ok(act ?? ELSEWHERE.test(row), `the page does not know of: ${row}`);
    if (!act) continue;
    seen.add(act);
    for (const [index, who] of ['a member', 'an admin', 'an owner'].entries()) {
      const cell = cells[index]!;
      for (const right of ['members', 'admins'] as const) {
        const setting = /^`(\w+)` \((\w+)\)$/.exec(cell);
        if (setting) assert.equal(USUAL[setting[1] as Rights], setting[2], `${row}: as it usually is`);
        const settings = setting ? { ...USUAL, [setting[1]!]: right } : USUAL;
        const group = { joined: true, kind: 'group', members, roles, settings } as const;
        const allowed = setting ? right === 'members' : cell === 'yes';
        assert.equal(may(act, group, viewer(who)), allowed, `${row}: ${who}`);
        const others: string[] = OTHERS.filter(other => may(act, group, viewer(who), other));
        const whom = reached(cell);
        assert.deepEqual(others, whom.length > 0 || !allowed ? whom : OTHERS, `${row}: ${who} to others`);
        const muted = index === 2 ? cell : cells[3 + index];
        const open = { ...group, settings: { ...settings, ...(setting && { [setting[1]!]: 'members' }) } };
        assert.equal(
          may(act, open, viewer(who), undefined, true),
          muted === 'yes',
          `${row}: ${who} who is muted`,
        );
      }
    }
  }
  assert.equal(seen.size, Object.keys(ROWS).length);
});

test('a mute leaves to admins to take back, and binds owners in nothing', () => {
  const group = { joined: true, kind: 'group', members, roles, settings: USUAL } as const;
  const muted = (act: Act, who: string, whom?: string) => may(act, group, viewer(who), whom, true);
  assert.ok(!muted('edit', 'an admin') && muted('unreact', 'an admin') && muted('edit', 'an owner'));
  assert.ok(!muted('write', 'an admin') && !muted('add', 'an admin') && !muted('link', 'an admin'));
  assert.ok(!muted('settings', 'an admin') && !muted('rename', 'an admin') && muted('revoke', 'an admin'));
  assert.ok(!muted('remove', 'an admin', 'a member') && !muted('ban', 'an admin', 'a member'));
  assert.ok(muted('remove', 'an owner', 'a member') && muted('mute', 'an owner', 'an admin'));
  assert.ok(muted('write', 'an owner') && muted('add', 'an owner'));
});

test('nobody does anything to themselves, or in a conversation that they have left', () => {
  const group = { joined: true, kind: 'group', members, roles, settings: null } as const;
  assert.ok(!may('remove', group, viewer('an owner'), 'an owner'));
  assert.ok(!may('write', { ...group, joined: false }, viewer('an owner')));
  assert.ok(may('pin', { ...group, kind: 'direct' }, viewer('a member')));
  assert.ok(!may('settings', { ...group, kind: 'direct' }, viewer('an owner')));
});

test('nothing is shown to somebody who is blocked or deleted, where they are alone with one', () => {
  const direct = { joined: true, kind: 'direct', members: ['ann', 'ben'], roles, settings: null } as const;
  const blocking = { ...viewer('ann'), relations: { ...NO_RELATIONS, blocked: new Set(['ben']) } };
  const gone = { id: 'ben', username: 'ben', displayName: 'deleted user', isDeleted: true };
  const bereft = { ...viewer('ann'), people: new Map([['ben', gone]]) };
  for (const act of ['write', 'attach', 'react', 'unreact', 'pin', 'edit'] as const) {
    assert.ok(may(act, direct, viewer('ann')), act);
    assert.ok(!may(act, direct, blocking) && !may(act, direct, bereft), act);
    // In a group nothing changes.
    const group = { ...direct, kind: 'group', roles: new Map([['ann', 'admin' as Role]]) } as const;
    assert.ok(may(act, group, blocking) && may(act, group, bereft), act);
  }
});
