// Whom a group keeps out.
import { useState } from 'preact/hooks';
import { holds, isTold, listOf, type Sanction } from '../../nouns/governed.ts';
import * as store from '../../store.ts';
import { Avatar } from '../avatar.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import { untilText } from '../time.ts';
import { MoreOf } from './more.tsx';
import type { Part } from './pane.tsx';
import { SanctionQuestion } from './sanction.tsx';

export function Bans(part: Part) {
  const { chat, conversation, governed } = part;
  const [asking, setAsking] = useState(false);
  const bans = listOf(governed, 'banned');
  return (
    <Section title="Banned">
      {bans.length === 0 && isTold(governed, 'banned') && <p class="quiet">Nobody is banned.</p>}
      <ul class="people" aria-label="Banned">
        {bans.map(ban => (
          <Item key={ban.user} {...part} ban={ban} />
        ))}
      </ul>
      <MoreOf {...part} list="banned" />
      <button class="small" type="button" onClick={() => setAsking(true)}>
        Ban somebody who is not in
      </button>
      {asking && (
        <SanctionQuestion
          title="Ban somebody"
          yes="Ban"
          reasoned
          named
          onYes={({ username, reason, forMs }) =>
            chat.governing.banByName(conversation.id, username, reason, forMs)
          }
          onClose={() => setAsking(false)}
        >
          Nobody can add them until then.
        </SanctionQuestion>
      )}
    </Section>
  );
}

function Item({ chat, state, conversation, ban }: Part & { ban: Sanction }) {
  const { user, by, until, reason } = ban;
  const doing = useDoing('Not unbanned');
  const name = store.personName(state, user);
  const over = !holds(ban, chat.now());
  return (
    <li>
      <Avatar id={user} name={name} />
      <span class="who">
        <strong>{name}</strong>
        <span class="quiet">
          by {by === state.me ? 'you' : store.personName(state, by)},{' '}
          {over ? 'over' : untilText(until, chat.now())}
        </span>
        {reason !== null && <span>{reason}</span>}
      </span>
      <button
        class="small"
        type="button"
        aria-disabled={doing.busy}
        aria-label={`Unban ${name}`}
        onClick={() => void doing.run(() => chat.governing.unban(conversation.id, user))}
      >
        Unban
      </button>
      <ProblemLine of={doing} />
    </li>
  );
}
