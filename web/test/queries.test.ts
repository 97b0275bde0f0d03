// What the page asks fits the schema that the server has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { LISTS } from '../src/chat/nouns/governed.ts';
import * as queries from '../src/chat/queries.ts';

const schema = buildSchema(readFileSync(new URL('../../graphql/schema.graphql', import.meta.url), 'utf8'));

test('every query is one that the schema knows, and names all that it is given', async () => {
  const asked: { query: string; variables: Record<string, unknown> }[] = [];
  const ask: queries.Ask = (query, variables = {}) => {
    asked.push({ query, variables });
    return Promise.reject(new Error('nobody answers'));
  };
  const place = queries.placeOf('c1/m1');
  const all = [
    queries.findRelations(ask),
    queries.listConversations(ask, 'me', null),
    queries.findConversation(ask, 'me', 'c1'),
    queries.findMembers(ask, 'c1', null),
    queries.findMember(ask, 'c1', 'a1'),
    queries.findPins(ask, 'c1'),
    queries.findGoverned(ask, 'c1', LISTS),
    queries.findInvitations(ask),
    queries.findQuotes(ask, [place]),
    queries.findAttachments(ask, [place]),
    queries.findVersions(ask, 'c1', 'm1'),
    queries.findPerson(ask, 'ann'),
    queries.findPeople(ask, ['a1', 'b1']),
    queries.findProfile(ask, 'a1'),
    queries.findFaces(ask, ['a1', 'b1']),
    queries.findSeenBy(ask, 'c1', 'm1'),
    queries.findReceipts(ask, [{ ...place, seq: 1 }]),
    queries.search(ask, { query: 'x', conversation: null, order: 'NEWEST' }, null),
    queries.findThreads(ask, 'c1'),
    queries.findThread(ask, 'me', 'c1', 'm1', null),
  ];
  await Promise.allSettled(all);
  assert.ok(asked.length >= all.length, `${asked.length} of ${all.length} were asked`);
  for (const { query, variables } of asked) {
    const document = parse(query);
    assert.deepEqual(
      validate(schema, document).map(({ message }) => message),
      [],
      query,
    );
    const [operation] = document.definitions;
    const declared =
      operation?.kind === 'OperationDefinition'
        ? (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
        : [];
    assert.deepEqual(Object.keys(variables).sort(), [...declared].sort(), query);
  }
});
