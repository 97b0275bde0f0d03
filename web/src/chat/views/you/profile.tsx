// One's picture, name, and a few words.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import { isPicture, sizeText } from '../../nouns/attachment.ts';
import { profileChange, type Profile } from '../../nouns/profile.ts';
import { Avatar } from '../avatar.tsx';
import { ProblemLine, useDoing } from '../doing.tsx';
import { Section } from '../pane.tsx';

/** As long as servers take. */
const NAME_MAX = 64;
const ABOUT_MAX = 256;

interface Props {
  chat: Chat;
  profile: Profile;
  onChanged(profile: Profile): void;
}

export function ProfileForm({ chat, profile, onChanged }: Props) {
  const [name, setName] = useState(profile.displayName);
  const [about, setAbout] = useState(profile.about ?? '');
  const [saved, setSaved] = useState(false);
  const saving = useDoing('Not saved');
  const change = profileChange(profile, name.trim(), about.trim());
  const nothing = Object.keys(change).length === 0;

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    if (nothing) return;
    setSaved(await saving.run(async () => onChanged(await chat.profiles.change(change))));
  }

  return (
    <Section title="Profile">
      <Portrait chat={chat} profile={profile} onChanged={onChanged} />
      <form class="pane-form" aria-label="Profile" onSubmit={event => void save(event)}>
        <label>
          Display name
          <input
            value={name}
            required
            maxLength={NAME_MAX}
            autoComplete="name"
            onInput={event => {
              setName(event.currentTarget.value);
              setSaved(false);
            }}
          />
        </label>
        <label>
          About you
          <textarea
            rows={3}
            value={about}
            maxLength={ABOUT_MAX}
            onInput={event => {
              setAbout(event.currentTarget.value);
              setSaved(false);
            }}
          />
        </label>
        <ProblemLine of={saving} />
        <div class="actions">
          <span class="quiet" role="status">
            {saved && nothing && 'Saved.'}
          </span>
          <button class="primary" type="submit" aria-disabled={saving.busy || nothing}>
            Save
          </button>
        </div>
      </form>
    </Section>
  );
}

function Portrait({ chat, profile, onChanged }: Props) {
  const chooser = useRef<HTMLInputElement>(null);
  const giveUp = useRef(new AbortController());
  const [progress, setProgress] = useState<number | null>(null);
  const doing = useDoing('The picture is as it was');
  useEffect(() => () => giveUp.current.abort(), []);

  async function choose(file: File | undefined): Promise<void> {
    if (!file) return;
    await doing.run(async () => {
      const most = chat.state.limits.attachmentBytes;
      if (!isPicture(file.type)) throw new Error('that is no picture');
      if (file.size > most) throw new Error(`it is larger than ${sizeText(most)}`);
      onChanged(await chat.profiles.changePicture(file, setProgress, giveUp.current.signal));
    });
    setProgress(null);
  }

  return (
    <div class="person">
      {profile.picture ? (
        <img class="portrait" src={profile.picture.small} alt="Your picture" />
      ) : (
        <Avatar id={profile.id} name={profile.displayName} />
      )}
      <div class="actions">
        <button
          class="small"
          type="button"
          aria-disabled={doing.busy}
          onClick={() => chooser.current?.click()}
        >
          {profile.picture ? 'Another picture' : 'Choose a picture'}
        </button>
        {profile.picture && (
          <button
            class="small"
            type="button"
            aria-disabled={doing.busy}
            onClick={() => void doing.run(async () => onChanged(await chat.profiles.change({ avatar: '' })))}
          >
            Take it away
          </button>
        )}
      </div>
      <input
        ref={chooser}
        type="file"
        accept="image/*"
        hidden
        aria-hidden="true"
        onChange={event => {
          void choose(event.currentTarget.files?.[0]);
          // The same file can be chosen again.
          event.currentTarget.value = '';
        }}
      />
      {progress !== null && <progress value={progress} max={1} aria-label="Storing the picture" />}
      <ProblemLine of={doing} />
    </div>
  );
}
