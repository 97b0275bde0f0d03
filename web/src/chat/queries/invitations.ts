// The groups that this person is invited to.
import type { Invitation, Person } from '../store.ts';
import { PERSON, type Ask } from './ask.ts';

/** So many are shown. */
const SHOWN_MAX = 20;
const INVITATIONS = `query Invitations { invitations(first: ${SHOWN_MAX}) { nodes { conversation name until by { ${PERSON} } } } }`;

interface Found {
  invitations: { nodes: { conversation: string; name: string; until: string; by: Person }[] };
}

export async function findInvitations(ask: Ask): Promise<{ invitations: Invitation[]; people: Person[] }> {
  const { nodes } = (await ask<Found>(INVITATIONS)).invitations;
  return {
    invitations: nodes.map(({ by, ...invitation }) => ({ ...invitation, by: by.id })),
    people: nodes.map(({ by }) => by),
  };
}
