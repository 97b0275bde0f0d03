// What others may do and know.
import { useRef } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import type { Audience } from '../../../protocol/frames.ts';
import type { OwnSettings, Profile } from '../../nouns/profile.ts';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';

const WHOM = {
  direct: 'Who may open a conversation with you',
  add_me: 'Who may put you into a group',
  last_seen: 'Who sees when you were last here',
} as const;

const AUDIENCES: readonly [Audience, string][] = [
  ['everyone', 'Everybody'],
  ['contacts', 'Your contacts'],
  ['nobody', 'Nobody'],
];

interface Props {
  chat: Chat;
  settings: OwnSettings;
  onChanged(profile: Profile): void;
}

/** Each holds as soon as it is chosen and the server has said so. */
export function Privacy({ chat, settings, onChanged }: Props) {
  const saving = useDoing('Not changed');
  /** What is chosen while another choice is under way comes behind it. */
  const before = useRef(Promise.resolve());
  function settle(some: Partial<OwnSettings>, back: () => void): void {
    before.current = before.current.then(async () => {
      const well = await saving.run(async () => onChanged(await chat.profiles.settle(some)));
      // The field shows what holds.
      if (!well) back();
    });
  }
  return (
    <Section title="Privacy">
      <form class="pane-form" aria-label="Privacy" onSubmit={event => event.preventDefault()}>
        {(Object.keys(WHOM) as (keyof typeof WHOM)[]).map(setting => (
          <label key={setting}>
            {WHOM[setting]}
            <select
              value={settings[setting]}
              onChange={({ currentTarget: field }) =>
                settle({ [setting]: field.value as Audience }, () => (field.value = settings[setting]))
              }
            >
              {AUDIENCES.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        ))}
        <label class="check">
          <input
            type="checkbox"
            checked={settings.receipts}
            onChange={({ currentTarget: field }) =>
              settle({ receipts: field.checked }, () => (field.checked = settings.receipts))
            }
          />
          Others see how far you have read, and you see it of them
        </label>
        <p class="quiet" role="status">
          {saving.busy && 'Saving…'}
        </p>
        <ProblemLine of={saving} />
      </form>
    </Section>
  );
}
