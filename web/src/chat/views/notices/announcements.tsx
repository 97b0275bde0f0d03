// What was announced to everybody and this person has not read yet, above all else.
import type { Chat } from '../../chat.ts';
import * as store from '../../store.ts';
import { Text } from '../text.tsx';

/** So many are shown at a time, the oldest: the others follow. */
const SHOWN_MAX = 2;

export function Announcements({ chat, state }: { chat: Chat; state: store.State }) {
  const { known, told } = state.notices;
  const unread = known ? told.filter(({ kind, read }) => kind === 'announcement' && !read) : [];
  // It is there from the beginning, so that screen readers say what comes into it.
  return (
    <div class="announcements" role="status" aria-label="Announcements">
      {unread
        .slice(-SHOWN_MAX)
        .reverse()
        .map(one => (
          <div key={one.key} class="announcement">
            <Text text={one.text} />
            <button
              class="small"
              type="button"
              aria-label={`Dismiss: ${one.text.slice(0, 60)}`}
              onClick={() => chat.notices.read([one])}
            >
              Dismiss
            </button>
          </div>
        ))}
    </div>
  );
}
