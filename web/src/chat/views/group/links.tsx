// Links by which people come into a group: making, copying and revoking them.
import { useState } from 'preact/hooks';
import { linkAddress } from '../../address.ts';
import { listOf, opens, type InviteLink } from '../../nouns/governed.ts';
import * as store from '../../store.ts';
import { Copy } from '../copy.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import { untilText } from '../time.ts';
import { MoreOf } from './more.tsx';
import type { Part } from './pane.tsx';

const DAY_S = 86_400;
const USES_MAX = 10_000;
const LIVES = [
  ['An hour', 3_600],
  ['A day', DAY_S],
  ['A week', 7 * DAY_S],
  ['30 days', 30 * DAY_S],
] as const;

export function Links(part: Part) {
  const { chat, conversation, governed } = part;
  const [life, setLife] = useState(2);
  const [uses, setUses] = useState('');
  const [made, setMade] = useState<string | null>(null);
  const making = useDoing('No link was made');
  const links = listOf(governed, 'links').filter(link => opens(link, chat.now()));

  async function make(event: Event): Promise<void> {
    event.preventDefault();
    const count = uses === '' ? null : Number(uses);
    await making.run(async () =>
      setMade(linkAddress(await chat.governing.makeLink(conversation.id, LIVES[life]![1], count))),
    );
  }

  return (
    <Section title="Invite links">
      <form class="pane-form" onSubmit={event => void make(event)}>
        <div class="side-by-side">
          <label>
            Good for
            <select value={life} onChange={event => setLife(Number(event.currentTarget.value))}>
              {LIVES.map(([label], index) => (
                <option key={label} value={index}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label>
            How many people
            <input
              type="number"
              min={1}
              max={USES_MAX}
              value={uses}
              placeholder="any number"
              onInput={event => setUses(event.currentTarget.value)}
            />
          </label>
        </div>
        <ProblemLine of={making} />
        <div class="actions">
          <button class="primary" type="submit" aria-disabled={making.busy}>
            Make a link
          </button>
        </div>
      </form>
      {made !== null && (
        <Copy label="The new link" text={made}>
          It is shown now and never again.
        </Copy>
      )}
      <ul class="people" aria-label="Links">
        {links.map(link => (
          <Item key={link.id} {...part} link={link} />
        ))}
      </ul>
      <MoreOf {...part} list="links" />
    </Section>
  );
}

function Item({ chat, state, conversation, allowed, link }: Part & { link: InviteLink }) {
  const { id, by, until, uses, used } = link;
  const doing = useDoing('Not revoked');
  const end = untilText(until, chat.now());
  const whose = by === state.me ? 'Your link' : `A link of ${store.personName(state, by)}`;
  return (
    <li>
      <span class="who">
        <strong>{whose}</strong>
        <span class="quiet">
          {uses === null ? `used ${used} times` : `used ${used} of ${uses} times`}, {end}
        </span>
      </span>
      {(by === state.me || allowed('revoke')) && (
        <button
          class="small"
          type="button"
          aria-disabled={doing.busy}
          aria-label={`Revoke: ${whose}, ${end}`}
          onClick={() => void doing.run(() => chat.governing.revoke(conversation.id, id))}
        >
          Revoke
        </button>
      )}
      <ProblemLine of={doing} />
    </li>
  );
}
