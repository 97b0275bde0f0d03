// The file that a message shows: a picture, or its name and size.
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { LAGS_MS } from '../again.ts';
import type { Chat } from '../chat.ts';
import { fitted, sizeText, type Attachment } from '../nouns/attachment.ts';
import type { Outgoing } from '../store.ts';
import { FileIcon } from './icons.tsx';
import { Picture } from './picture.tsx';

/** The longer side of a picture among messages, in pixels. */
const PICTURE_PX = 320;

interface Props {
  chat: Chat;
  conversation: string;
  message: string;
  kind: 'image' | 'file';
  caption: string | undefined;
}

export function AttachmentView({ chat, conversation, message, kind, caption }: Props) {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const [open, setOpen] = useState(false);
  const [broken, setBroken] = useState('');
  const tries = useRef(0);
  const again = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(again.current), []);
  useEffect(
    () => chat.files.watch(conversation, message, () => draw(undefined)),
    [chat, conversation, message],
  );

  const file = chat.files.get(conversation, message);
  if (file === undefined)
    return <span class={`attachment waiting ${kind}`} role="img" aria-label="Loading…" />;
  if (file === null) return <span class="attachment quiet">This file is not there any more.</span>;
  const { thumbnail, width, height } = file;
  if (kind !== 'image' || thumbnail === null || thumbnail === broken) return <FileCard file={file} />;
  /** A busy server may have refused it: it is fetched again, and stands there as a file until then. */
  function fails(address: string): void {
    setBroken(address);
    const lag = LAGS_MS[tries.current++];
    if (lag !== undefined) again.current = setTimeout(() => setBroken(''), lag);
  }
  const size = fitted(width ?? PICTURE_PX, height ?? PICTURE_PX, PICTURE_PX);
  return (
    <>
      <button
        class="attachment picture"
        type="button"
        aria-label={`Picture ${caption ?? file.name}: open`}
        onClick={() => setOpen(true)}
      >
        <img src={thumbnail} alt="" {...size} loading="lazy" onError={() => fails(thumbnail)} />
      </button>
      {open && <Picture file={file} caption={caption} onClose={() => setOpen(false)} />}
    </>
  );
}

const FileCard = ({ file: { url, name, size } }: { file: Attachment }) => (
  <a class="attachment file" href={url} target="_blank" rel="noopener noreferrer">
    <FileIcon />
    <span class="file-name">{name}</span>
    <span class="quiet">{sizeText(size)}</span>
  </a>
);

/** A file that is on its way. */
export function OutgoingFile({ message, onCancel }: { message: Outgoing; onCancel(): void }) {
  const { file, state, progress = 0 } = message;
  if (!file) return null;
  return (
    <>
      {file.look === undefined ? (
        <span class="attachment file">
          <FileIcon />
          <span class="file-name">{file.name}</span>
          <span class="quiet">{sizeText(file.size)}</span>
        </span>
      ) : (
        <span class="attachment picture">
          <img src={file.look} alt={file.name} />
        </span>
      )}
      {state === 'uploading' && (
        <span class="under-way">
          <progress value={progress} max={1} aria-label={`Uploading ${file.name}`} />
          <button class="link" type="button" aria-label={`Cancel sending ${file.name}`} onClick={onCancel}>
            Cancel
          </button>
        </span>
      )}
    </>
  );
}
