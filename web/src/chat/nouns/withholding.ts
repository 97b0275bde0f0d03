// Messages that are kept from everybody while moderators look at them, and shown again or recalled.
import type { TidingsEvent } from '../../protocol/frames.ts';
import { amend } from '../fold.ts';
import type { Log } from '../log.ts';
import { voids, WITHHELD } from './message.ts';
import type { EventOf, Noun } from './noun.ts';

export const withholding: Noun<'message.withheld'> = {
  'message.withheld': {
    summarize(conversation, { data: { message: id, message_seq: seq, withheld } }) {
      if (withheld) {
        const { preview } = conversation;
        if (preview?.seq === seq && !preview.recalled) {
          conversation.preview = { ...preview, text: WITHHELD };
        }
        voids(conversation, id, seq);
        return;
      }
      const voided = new Set(conversation.voided);
      if (voided.delete(id)) conversation.unread += 1;
      conversation.voided = voided;
      // What it says, and whom it mentions, a summary tells.
      conversation.partial = conversation.joined;
    },
    fold: (into, { data: { message, withheld } }) => amend(into, message, { withheld }),
  },
};

/** What is withheld by some events, or shown again. */
export const withholdings = (events: readonly TidingsEvent[]): EventOf<'message.withheld'>[] =>
  events.filter(event => event.kind === 'message.withheld');

/** Whether some events show a message again that is loaded without what it says. */
export const lacksShown = (log: Log | null, events: readonly TidingsEvent[]): boolean =>
  withholdings(events).some(({ data: { message: id, withheld } }) => {
    if (withheld || log?.amended.get(id)?.recalled) return false;
    const shown = log?.entries.find(entry => entry.kind === 'message' && entry.id === id);
    return shown?.kind === 'message' && shown.content === null && !shown.withheld;
  });
