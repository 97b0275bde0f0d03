// Messages that are looked for.
import { isInMain } from '../fold.ts';
import type { Person } from '../store.ts';
import { line, PERSON, type Ask } from './ask.ts';

/** Something that was searched for. */
export interface Hit {
  id: string;
  seq: number;
  at: string;
  sender: Person;
  conversation: string;
  /** The message that begins the thread in which alone it stands. */
  thread: string | null;
  /** The text around what was found, or what stands for it where there is none. */
  snippet: readonly { text: string; isMatch: boolean }[];
}

export interface Hits {
  hits: Hit[];
  /** Words and filters that nothing was made of. */
  ignored: string[];
  /** People and conversations that were named and are not known: nothing is by them or in them. */
  unknown: string[];
  /** Not everything was looked at that belongs here; looking goes on behind `next`. */
  complete: boolean;
  next: string | null;
}

const HITS = 20;
const SEARCH = `query Search($query: String!, $conversation: ID, $order: SearchOrder!, $after: String) {
  search(query: $query, conversation: $conversation, order: $order, first: ${HITS}, after: $after) {
    complete ignored unknown pageInfo { hasNextPage endCursor }
    edges { snippet { text isMatch } node { id seq sentAt kind text recalledAt thread also sender { ${PERSON} } conversation { id } } }
  }
}`;

export interface Sought {
  query: string;
  /** The only conversation to look in. */
  conversation: string | null;
  order: 'NEWEST' | 'BEST';
}

/** One page of what was found. */
export async function search(ask: Ask, sought: Sought, after: string | null): Promise<Hits> {
  const answer = await ask<{
    search: {
      complete: boolean;
      ignored: string[];
      unknown: string[];
      pageInfo: { hasNextPage: boolean; endCursor: string | null };
      edges: {
        snippet: { text: string; isMatch: boolean }[];
        node: {
          id: string;
          seq: number;
          sentAt: string;
          kind: string;
          text: string | null;
          recalledAt: string | null;
          thread: string | null;
          also: boolean;
          sender: Person;
          conversation: { id: string } | null;
        };
      }[];
    };
  }>(SEARCH, { ...sought, after });
  const { edges, complete, ignored, unknown, pageInfo } = answer.search;
  const hits = edges.flatMap(({ snippet, node }) => {
    // The read model of words lags: what is not there any more is not shown.
    if (!node.conversation || node.recalledAt !== null) return [];
    const pieces = snippet.length > 0 ? snippet : [{ text: line(node), isMatch: false }];
    const { id, seq, sentAt: at, sender } = node;
    const thread = isInMain(node) ? null : node.thread;
    return [{ id, seq, at, sender, conversation: node.conversation.id, thread, snippet: pieces }];
  });
  const goesOn = pageInfo.hasNextPage || (!complete && sought.order === 'NEWEST');
  return { hits, ignored, unknown, complete, next: goesOn ? pageInfo.endCursor : null };
}
