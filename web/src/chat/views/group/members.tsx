// Who is in a group, what they are in it, and what may be done to them.
import { useState } from 'preact/hooks';
import { holds, listOf, type Sanction } from '../../nouns/governed.ts';
import { countText } from '../../nouns/group.ts';
import { roleOf, type Act } from '../../nouns/permission.ts';
import type { Role } from '../../../protocol/frames.ts';
import * as store from '../../store.ts';
import { Face } from '../face.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { MoreIcon } from '../icons.tsx';
import { Menu, type Choice } from '../menu.tsx';
import { Section } from '../pane.tsx';
import { Question } from '../question.tsx';
import { untilText } from '../time.ts';
import type { Part } from './pane.tsx';
import { SanctionQuestion } from './sanction.tsx';

/** With more than so many, they can be looked for by name; and so many are drawn. */
const SOUGHT_FROM = 12;
const DRAWN_MAX = 200;
const RANKS: readonly Role[] = ['owner', 'admin', 'member'];

export function Members(part: Part) {
  const { chat, state, conversation, governed } = part;
  const { members, roster } = conversation;
  const count = countText(conversation);
  const [sought, setSought] = useState('');
  const finding = useDoing('Not found');
  /** Whether there may be others than those who are loaded. */
  const more = roster === 'first' || roster === 'failed';
  const name = (user: string): string => store.personName(state, user);
  const wanted = sought.trim().toLowerCase();
  const found = members
    .filter(user => {
      const username = state.people.get(user)?.username ?? '';
      return name(user).toLowerCase().includes(wanted) || username.toLowerCase().includes(wanted);
    })
    .sort((a, b) => rank(conversation, a) - rank(conversation, b) || name(a).localeCompare(name(b)));

  async function find(event: Event): Promise<void> {
    event.preventDefault();
    const username = sought.trim();
    if (!more || username === '') return;
    await finding.run(() => chat.members.find(conversation.id, username));
  }

  const muted = new Map(listOf(governed, 'muted').map(sanction => [sanction.user, sanction]));
  return (
    <Section title={count === '' ? 'Members' : `Members (${count})`}>
      {roster === 'loading' && <p class="quiet">Loading…</p>}
      {roster === 'failed' && (
        <p class="problem" role="alert">
          Not all members could be loaded.{' '}
          <button class="link" type="button" onClick={() => void chat.members.load(conversation.id)}>
            Try again
          </button>
        </p>
      )}
      {(members.length > SOUGHT_FROM || more) && (
        <form class="pane-form" onSubmit={event => void find(event)}>
          <div class="side-by-side">
            <input
              type="search"
              value={sought}
              aria-label="Find a member"
              placeholder="Find a member"
              autoComplete="off"
              autoCapitalize="none"
              spellcheck={false}
              onInput={event => setSought(event.currentTarget.value)}
            />
            {more && (
              <button class="small" type="submit" aria-disabled={finding.busy || wanted === ''}>
                By username
              </button>
            )}
          </div>
          <ProblemLine of={finding} />
        </form>
      )}
      <ul class="people" aria-label="Members">
        {found.slice(0, DRAWN_MAX).map(user => (
          <Member key={user} {...part} user={user} muted={muted.get(user)} />
        ))}
      </ul>
      {found.length > DRAWN_MAX && <p class="quiet">There are more: find them by their names.</p>}
      {roster === 'first' && (
        <p class="quiet">
          The group is larger: {members.length} are loaded, and others are found by their whole usernames.
        </p>
      )}
    </Section>
  );
}

const rank = (conversation: store.Conversation, user: string): number =>
  RANKS.indexOf(roleOf(conversation, user));

type Asked = 'remove' | 'transfer' | 'mute' | 'ban';

interface MemberProps extends Part {
  user: string;
  muted: Sanction | undefined;
}

function Member({ chat, state, conversation, allowed, user, muted }: MemberProps) {
  const { id } = conversation;
  const { governing } = chat;
  const [asked, setAsked] = useState<Asked | null>(null);
  const doing = useDoing('It did not work');
  const name = store.personName(state, user);
  const role = roleOf(conversation, user);
  const silenced = muted && holds(muted, chat.now()) && role !== 'owner' ? muted : undefined;
  const shown = state.people.get(user);

  const make = (other: Role, label: string): Choice[] =>
    role !== other && allowed('role', user)
      ? [{ label, act: () => void doing.run(() => governing.role(id, user, other)) }]
      : [];
  const ask = (act: Act & Asked, label: string): Choice[] =>
    allowed(act, user) ? [{ label, act: () => setAsked(act) }] : [];
  const choices = [
    ...make('owner', 'Make an owner'),
    ...make('admin', 'Make an admin'),
    ...make('member', 'Make an ordinary member'),
    ...ask('transfer', 'Hand the group on…'),
    ...(silenced && allowed('mute', user)
      ? [
          {
            label: 'Let write again',
            act: () => void doing.run(() => governing.mute(id, user, false)),
          },
        ]
      : ask('mute', 'Mute…')),
    ...ask('remove', 'Remove…'),
    ...ask('ban', 'Ban…'),
  ];
  const close = (): void => setAsked(null);
  return (
    <li aria-busy={doing.busy} data-user={shown?.username}>
      <Face chat={chat} user={user} name={name} seen={state.seen.get(user)} />
      <span class="who">
        <button class="link" type="button" onClick={() => chat.showPerson(user)}>
          {name}
        </button>
        <span class="quiet">
          {[store.handle(shown), role !== 'member' && role].filter(Boolean).join(' · ')}
          {silenced && ` · muted ${untilText(silenced.until, chat.now())}`}
        </span>
      </span>
      {choices.length > 0 && (
        <Menu label={`What to do with ${name}`} choices={choices}>
          <MoreIcon />
        </Menu>
      )}
      <ProblemLine of={doing} />
      {asked === 'remove' && (
        <Question
          title={`Remove ${name}?`}
          yes="Remove"
          no="Keep"
          onYes={() => void doing.run(() => governing.remove(id, user))}
          onClose={close}
        >
          <p class="quiet">They see nothing of what is said here from then on. They may be added again.</p>
        </Question>
      )}
      {asked === 'transfer' && (
        <Question
          title={`Hand the group on to ${name}?`}
          yes="Hand on"
          no="Keep it"
          onYes={() => void doing.run(() => governing.transfer(id, user))}
          onClose={close}
        >
          <p class="quiet">{name} becomes an owner, and you become an admin.</p>
        </Question>
      )}
      {asked === 'mute' && (
        <SanctionQuestion
          title={`Mute ${name}?`}
          yes="Mute"
          onYes={({ forMs }) => governing.mute(id, user, true, forMs)}
          onClose={close}
        >
          They read on, and write nothing until then.
        </SanctionQuestion>
      )}
      {asked === 'ban' && (
        <SanctionQuestion
          title={`Ban ${name}?`}
          yes="Ban"
          reasoned
          onYes={({ forMs, reason }) => governing.ban(id, user, reason, forMs)}
          onClose={close}
        >
          They are removed, and nobody can add them until then.
        </SanctionQuestion>
      )}
    </li>
  );
}
