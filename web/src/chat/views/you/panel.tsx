// What one shows of oneself, and what one lets others do and know.
import type { Chat } from '../../chat.ts';
import * as store from '../../store.ts';
import { Panel } from '../panel.tsx';
import { Privacy } from './privacy.tsx';
import { ProfileForm } from './profile.tsx';
import { useProfile } from './use-profile.ts';

export function YouPanel({ chat, state, onClose }: { chat: Chat; state: store.State; onClose(): void }) {
  const { profile, setProfile, problem, retry } = useProfile(chat, state.me);
  return (
    <Panel title="Profile and settings" onClose={onClose}>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}{' '}
          <button class="link" type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
      {!profile && problem === '' && <p class="quiet">Loading…</p>}
      {profile && <ProfileForm chat={chat} profile={profile} onChanged={setProfile} />}
      {profile?.settings && <Privacy chat={chat} settings={profile.settings} onChanged={setProfile} />}
    </Panel>
  );
}
