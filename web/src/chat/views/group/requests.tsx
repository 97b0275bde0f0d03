// Those who ask to be let into a group.
import { isTold, listOf, type Asking } from '../../nouns/governed.ts';
import * as store from '../../store.ts';
import { Avatar } from '../avatar.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { When } from '../listing.tsx';
import { Section } from '../pane.tsx';
import { MoreOf } from './more.tsx';
import type { Part } from './pane.tsx';

export function Requests(part: Part) {
  const { conversation, governed } = part;
  const requests = listOf(governed, 'requests');
  const told = isTold(governed, 'requests');
  // Where nobody may ask, nobody does.
  if (requests.length === 0 && conversation.settings?.join !== 'request') return null;
  return (
    <Section title="Who asks to be let in">
      {requests.length === 0 && told && <p class="quiet">Nobody asks just now.</p>}
      {!told && governed.state === 'idle' && (
        <p class="quiet">Owners and admins see who has asked before. Whoever asks now is shown here.</p>
      )}
      <ul class="people" aria-label="Requests">
        {requests.map(request => (
          <Request key={request.user} {...part} request={request} />
        ))}
      </ul>
      <MoreOf {...part} list="requests" />
    </Section>
  );
}

function Request({ chat, state, conversation, request: { user, at } }: Part & { request: Asking }) {
  const doing = useDoing('Not answered');
  const name = store.personName(state, user);
  const { id } = conversation;
  return (
    <li>
      <Avatar id={user} name={name} />
      <span class="who">
        <strong>{name}</strong>
        <When at={at} />
      </span>
      <span class="actions">
        <button
          class="small"
          type="button"
          aria-disabled={doing.busy}
          aria-label={`Refuse ${name}`}
          onClick={() => void doing.run(() => chat.governing.refuse(id, user))}
        >
          Refuse
        </button>
        <button
          class="primary small"
          type="button"
          aria-disabled={doing.busy}
          aria-label={`Approve ${name}`}
          onClick={() => void doing.run(() => chat.governing.approve(id, user))}
        >
          Approve
        </button>
      </span>
      <ProblemLine of={doing} />
    </li>
  );
}
