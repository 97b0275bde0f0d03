// A group beside its conversation: who is in, and what whoever may sees to.
import { useEffect } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { isSilenced, type Governed } from '../../nouns/governed.ts';
import { may, type Act } from '../../nouns/permission.ts';
import * as store from '../../store.ts';
import { Pane } from '../pane.tsx';
import { Bans } from './bans.tsx';
import { GroupName } from './name.tsx';
import { Invited } from './invited.tsx';
import { Leave } from './leave.tsx';
import { Links } from './links.tsx';
import { Members } from './members.tsx';
import { Requests } from './requests.tsx';
import { GroupSettingsForm } from './settings.tsx';

/** What each part of the pane is given. */
export interface Part {
  chat: Chat;
  state: store.State;
  conversation: store.Conversation;
  governed: Governed;
  /** Whether this person may do something, to somebody where that makes a difference. */
  allowed(act: Act, whom?: string): boolean;
}

export function GroupPane({ chat, state, conversation, governed }: Omit<Part, 'allowed'>) {
  const { id } = conversation;
  const unknown = conversation.roster === 'some';
  useEffect(() => {
    void chat.members.load(id);
    chat.governing.look(id);
  }, [chat, id]);
  // Also where events are lost while it is shown.
  useEffect(() => {
    if (unknown) void chat.members.load(id);
  }, [chat, id, unknown]);
  const silenced = isSilenced(governed, state.me, chat.now());
  const allowed = (act: Act, whom?: string): boolean => may(act, conversation, state, whom, silenced);
  const part: Part = { chat, state, conversation, governed, allowed };
  return (
    <Pane title="About this group" onClose={() => chat.governing.close(id)}>
      <GroupName {...part} />
      {governed.state === 'loading' && <p class="quiet">Loading…</p>}
      {governed.state === 'failed' && (
        <p class="problem" role="alert">
          Not everything could be loaded.{' '}
          <button class="link" type="button" onClick={() => chat.governing.retry(id)}>
            Try again
          </button>
        </p>
      )}
      {allowed('admit') && <Requests {...part} />}
      <Members {...part} />
      {(allowed('add') || allowed('invite')) && <Invited {...part} />}
      {allowed('link') && <Links {...part} />}
      {allowed('settings') && <GroupSettingsForm {...part} />}
      {allowed('unban') && <Bans {...part} />}
      {allowed('leave') && <Leave {...part} />}
    </Pane>
  );
}
