// What became of messages by events that are not loaded.
import type { Content, TidingsEvent } from '../../protocol/frames.ts';
import type { Amendment } from '../fold.ts';
import type { Later } from '../log.ts';
import { withText } from '../nouns/message.ts';
import { withholdings } from '../nouns/withholding.ts';
import { NAMED_REACTORS } from '../store.ts';
import { parts, type Ask } from './ask.ts';
import { ofMessages, type Place } from './message.ts';

/** So many messages in one query, and so many of whose reactions people are asked for: a list in a list costs much. */
const LATER_AT_ONCE = 100;
const REACTED_AT_ONCE = 20;

interface Reaction {
  emoji: string;
  count: number;
  viewerReacted: boolean;
}

/**
 * What became of the messages among some events of a conversation, as far as the read models know by now. Those without content were
 * recalled, are withheld, or are hidden, of which nothing is said.
 */
export async function findLater(
  ask: Ask,
  me: string,
  id: string,
  events: readonly TidingsEvent[],
): Promise<Later> {
  const later = new Map<string, Amendment>();
  const sent = new Map<string, Content | null>();
  for (const event of events) {
    if (event.kind === 'message.sent') sent.set(event.data.message, event.data.content);
  }
  // What some events withhold, events behind them may show again.
  const told = new Set(withholdings(events).map(({ data }) => data.message));
  const places = [...sent.keys()].map(message => ({ key: message, conversation: id, message }));
  const reacted: Place[] = [];
  for (const some of parts(places, LATER_AT_ONCE)) {
    const found = await ofMessages<{
      text: string | null;
      editedAt: string | null;
      recalledAt: string | null;
      withheld: boolean;
      pinned: boolean;
      replyCount: number;
      reactions: Reaction[];
    }>(ask, some, 'text editedAt recalledAt withheld pinned replyCount reactions { emoji }');
    for (const place of some) {
      const message = found.get(place.key);
      if (!message) continue;
      const { text, editedAt: at, recalledAt, withheld, pinned, replyCount: counted, reactions } = message;
      const content = sent.get(place.key);
      const edit = at === null || !content ? {} : { edit: { content: withText(content, text ?? ''), at } };
      const threaded = counted > 0 ? { counted } : {};
      if (recalledAt !== null) later.set(place.key, { ...threaded, recalled: true });
      else if (at !== null || pinned || counted > 0 || withheld || told.has(place.key)) {
        const kept = withheld || told.has(place.key) ? { withheld } : {};
        later.set(place.key, { ...edit, ...threaded, ...(pinned && { pinned }), ...kept });
      }
      if (reactions.length > 0) reacted.push(place);
    }
  }
  for (const [key, reactions] of await findReactions(ask, me, reacted)) {
    later.set(key, { ...later.get(key), reactions });
  }
  return later;
}

/** Who reacted how to messages, as if each had just done so. */
export async function findReactions(
  ask: Ask,
  me: string,
  reacted: readonly Place[],
): Promise<Map<string, NonNullable<Amendment['reactions']>>> {
  const all = new Map<string, NonNullable<Amendment['reactions']>>();
  for (const some of parts(reacted, REACTED_AT_ONCE)) {
    const found = await ofMessages<{ reactions: (Reaction & { users: { nodes: { id: string }[] } })[] }>(
      ask,
      some,
      `reactions { emoji count viewerReacted users(first: ${NAMED_REACTORS}) { nodes { id } } }`,
    );
    for (const [key, { reactions }] of found) {
      const words = reactions.map(reaction => {
        const users = reaction.users.nodes.map(user => user.id);
        return [reaction.emoji, new Map(reactors(reaction, users, me).map(user => [user, true]))] as const;
      });
      all.set(key, new Map(words));
    }
  }
  return all;
}

/** Those who reacted. Some have no name here: there are more than are ever named. */
function reactors({ count, viewerReacted }: Reaction, users: readonly string[], me: string): string[] {
  const all = new Set(viewerReacted ? [me, ...users] : users);
  for (let i = all.size; i < count; i++) all.add(`another ${i}`);
  return [...all];
}
