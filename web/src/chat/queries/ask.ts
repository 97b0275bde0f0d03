// Asking over GraphQL, and what several queries share.
import { graphql, Problem } from '../../shared/api.ts';
import { contentText, WITHHELD } from '../nouns/message.ts';

export type Ask = <T>(query: string, variables?: Record<string, unknown>, after?: string) => Promise<T>;

/** Asks with a token that is good; one that the server does not take is replaced once. */
export const asker =
  (token: (refused: boolean) => Promise<string>): Ask =>
  async (query, variables, after) => {
    try {
      return await graphql(await token(false), query, variables, after);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'unauthenticated') throw error;
      return graphql(await token(true), query, variables, after);
    }
  };

/** What is asked of everybody who appears. */
export const PERSON = 'id username displayName isDeleted';

/** A message in one line of text. */
export function line({ kind, text, recalledAt = null, withheld = false }: Line): string {
  if (recalledAt !== null) return contentText(null);
  if (withheld) return WITHHELD;
  return contentText({ kind: kind.toLowerCase(), text: text ?? '', caption: text ?? '' });
}

interface Line {
  kind: string;
  text: string | null;
  recalledAt?: string | null;
  withheld?: boolean;
}

/** A list in pieces. */
export function* parts<T>(all: readonly T[], most: number): Generator<readonly T[]> {
  for (let first = 0; first < all.length; first += most) yield all.slice(first, first + most);
}
