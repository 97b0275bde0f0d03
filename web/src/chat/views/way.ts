// What the page's address names: a conversation, which is shown, or a way into a group, about which somebody is asked.
import { useEffect, useState } from 'preact/hooks';
import { readAddress } from '../address.ts';
import type { Chat } from '../chat.ts';
import type { Way } from '../joining.ts';

/**
 * The way into a group by which somebody has come, also before they sign in, and how to end one: with the conversation that is open then. Its
 * address goes out of the browser's history as soon as it is read, since the secret of a link lets anybody in.
 */
export function useWay(chat: Chat | null): [Way | null, (ended: Way, conversation: string | null) => void] {
  const [way, setWay] = useState<Way | null>(null);
  useEffect(() => {
    const follow = (): void => {
      const place = readAddress(location.hash);
      if (place !== null && place.kind !== 'conversation') {
        setWay(place);
        history.replaceState(null, '', `#${chat?.state.selected ?? ''}`);
      } else chat?.select(place?.id ?? null);
    };
    const turned = (): void => {
      setWay(null);
      follow();
    };
    follow();
    addEventListener('hashchange', turned);
    return () => removeEventListener('hashchange', turned);
  }, [chat]);
  function end(ended: Way, conversation: string | null): void {
    // The browser says late that a question was closed, perhaps when the next one is asked already.
    setWay(now => (now === ended ? null : now));
    if (conversation !== null) history.replaceState(null, '', `#${conversation}`);
  }
  return [way, end];
}
