// The files that go out with the next message.
import { sizeText } from '../nouns/attachment.ts';
import { FileIcon } from './icons.tsx';
import type { Choice } from './picked.ts';

export function Tray({ files, remove }: Pick<Choice, 'files' | 'remove'>) {
  if (files.length === 0) return null;
  return (
    <ul class="tray" aria-label="Files to send">
      {files.map(({ id, name, file, look }) => (
        <li key={id}>
          {look === undefined ? <FileIcon /> : <img src={look} alt="" />}
          <span class="file-name" title={name}>
            {name}
          </span>
          <span class="quiet">{sizeText(file.size)}</span>
          <button class="link" type="button" aria-label={`Remove ${name}`} onClick={() => remove(id)}>
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}
