// How a group is set.
import { useState } from 'preact/hooks';
import { askAddress } from '../../address.ts';
import type { Who } from '../../../protocol/frames.ts';
import { changed, RIGHTS, USUAL, type Rights, type Settings } from '../../nouns/settings.ts';
import { Copy } from '../copy.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';
import type { Part } from './pane.tsx';

/** The pauses of slow mode that are offered, in seconds. */
const PAUSES = [
  [0, 'No pause'],
  [10, '10 seconds'],
  [30, '30 seconds'],
  [60, 'A minute'],
  [300, '5 minutes'],
  [900, '15 minutes'],
  [3_600, 'An hour'],
] as const;

export function GroupSettingsForm({ chat, conversation }: Part) {
  const settings = conversation.settings ?? USUAL;
  /** What is to be others. The rest is as the group has it, also where somebody else changes it meanwhile. */
  const [edits, setEdits] = useState<Partial<Settings>>({});
  const wanted = { ...settings, ...edits };
  const saving = useDoing('Not saved');
  const different = changed(settings, wanted);
  const nothing = Object.keys(different).length === 0;
  const edit = (some: Partial<Settings>): void => setEdits({ ...edits, ...some });

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    if (nothing) return;
    if (await saving.run(() => chat.governing.settle(conversation.id, different))) setEdits({});
  }

  return (
    <Section title="Settings">
      <form
        class="pane-form settings"
        aria-label="Settings of the group"
        onSubmit={event => void save(event)}
      >
        {(Object.keys(RIGHTS) as Rights[]).map(right => (
          <label key={right}>
            Who may {RIGHTS[right]}
            <select
              value={wanted[right]}
              onChange={event => edit({ [right]: event.currentTarget.value as Who })}
            >
              <option value="members">All members</option>
              <option value="admins">Owners and admins</option>
            </select>
          </label>
        ))}
        <label>
          How people come in of themselves
          <select
            value={wanted.join}
            onChange={event => edit({ join: event.currentTarget.value as Settings['join'] })}
          >
            <option value="invite">By a link, or not at all</option>
            <option value="request">They ask to be let in</option>
            <option value="open">Everybody may</option>
          </select>
        </label>
        <label>
          What newcomers see
          <select
            value={wanted.history}
            onChange={event => edit({ history: event.currentTarget.value as Settings['history'] })}
          >
            <option value="shared">What was said before, too</option>
            <option value="joined">What is said from then on</option>
          </select>
        </label>
        <label>
          Pause between two messages of a member
          <select
            value={wanted.slow_s}
            onChange={event => edit({ slow_s: Number(event.currentTarget.value) })}
          >
            {PAUSES.every(([seconds]) => seconds !== wanted.slow_s) && (
              <option value={wanted.slow_s}>{wanted.slow_s} seconds</option>
            )}
            {PAUSES.map(([seconds, label]) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={wanted.forward}
            onChange={event => edit({ forward: event.currentTarget.checked })}
          />
          Messages may be forwarded
        </label>
        <ProblemLine of={saving} />
        <div class="actions">
          <button class="primary" type="submit" aria-disabled={saving.busy || nothing}>
            Save
          </button>
        </div>
      </form>
      {settings.join !== 'invite' && (
        <Copy label="Where people come in" text={askAddress(conversation.id)}>
          {settings.join === 'open' ? 'Whoever opens it may come in.' : 'Whoever opens it may ask.'}
        </Copy>
      )}
    </Section>
  );
}
