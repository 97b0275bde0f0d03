// Somebody beside the conversation: what they tell of themselves, and what they are to one.
import type { Chat } from '../chat.ts';
import * as store from '../store.ts';
import { useBlocking } from './contacts/block.tsx';
import { TieActions } from './contacts/tie.tsx';
import { ProblemLine } from './doing.tsx';
import { Pane } from './pane.tsx';
import { seenText } from './seen.ts';
import { useProfile } from './you/use-profile.ts';

export function PersonPane({ chat, state, user }: { chat: Chat; state: store.State; user: string }) {
  const { profile, problem, retry } = useProfile(chat, user);
  const blocking = useBlocking(chat, state, user);
  const name = store.personName(state, user);
  const known = state.people.get(user);
  const seen = state.seen.get(user);
  const when =
    seenText(seen) ||
    seenText(profile?.lastSeen ? { online: false, last_seen: profile.lastSeen } : undefined);
  return (
    <Pane title={`About ${user === state.me ? 'yourself' : name}`} onClose={() => chat.showPerson(null)}>
      <div class="person">
        {profile?.picture && <img class="portrait" src={profile.picture.small} alt={`Picture of ${name}`} />}
        <strong>{profile?.isDeleted ? 'Deleted user' : (known?.displayName ?? name)}</strong>
        {known && !profile?.isDeleted && <span class="quiet">@{known.username}</span>}
        {when !== '' && <span class="quiet">{when}</span>}
      </div>
      {!profile && problem === '' && <p class="quiet">Loading…</p>}
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}{' '}
          <button class="link" type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
      {profile?.about && <p class="text">{profile.about}</p>}
      {profile && profile.names.length > 0 && (
        <p class="quiet">Was called {profile.names.join(', ')} before.</p>
      )}
      {profile && user !== state.me && !profile.isDeleted && (
        <>
          <TieActions chat={chat} state={state} user={user} />
          <button
            class={blocking.blocked ? 'small' : 'small leave'}
            type="button"
            aria-disabled={blocking.doing.busy}
            onClick={blocking.choice.act}
          >
            {blocking.choice.label}
          </button>
          <ProblemLine of={blocking.doing} />
          {blocking.question}
        </>
      )}
    </Pane>
  );
}
