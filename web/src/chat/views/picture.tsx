// A picture, as large as the window.
import { useEffect, useRef } from 'preact/hooks';
import { sizeText, type Attachment } from '../nouns/attachment.ts';
import { Text } from './text.tsx';

interface Props {
  file: Attachment;
  caption: string | undefined;
  onClose(): void;
}

export function Picture({ file, caption, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { name, url, large, type, size, width, height } = file;
  const pixels = width !== null && height !== null ? `${width} × ${height}, ` : '';
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={caption ?? name}
      onClose={onClose}
      // A click beside the picture closes it.
      onClick={event => event.target === dialog.current && dialog.current?.close()}
    >
      <img
        // What moves is shown as it is: a smaller one stands still.
        src={type === 'image/gif' ? url : (large ?? url)}
        alt={caption ?? name}
        {...(width !== null && height !== null ? { width, height } : {})}
      />
      <footer>
        <p>
          {caption !== undefined && <Text text={caption} />}
          <span class="about quiet">
            {name} ({pixels}
            {sizeText(size)})
          </span>
        </p>
        <a class="button" href={url} target="_blank" rel="noopener noreferrer">
          Original
        </a>
        <button type="button" autoFocus onClick={() => dialog.current?.close()}>
          Close
        </button>
      </footer>
    </dialog>
  );
}
