// The files that were chosen for the next message.
import { useEffect, useRef, useState } from 'preact/hooks';
import { uuidv7 } from '../../shared/ids.ts';
import type { Chat } from '../chat.ts';
import { fileName, isPicture, PICKED_MAX, refusal, type Picked } from '../nouns/attachment.ts';

/** The longer side of what a chosen picture looks like, in pixels. */
const LOOK_PX = 320;

export interface Choice {
  files: readonly Picked[];
  /** Why some were not taken. */
  problem: string;
  add(files: Iterable<File>): void;
  remove(id: string): void;
  clear(): void;
}

export function usePicked(chat: Chat, conversation: string): Choice {
  const [files, setFiles] = useState(() => chat.drafts.files(conversation));
  const [problem, setProblem] = useState('');
  const shown = useRef(true);
  useEffect(() => () => void (shown.current = false), []);

  function keep(next: readonly Picked[]): void {
    chat.drafts.keepFiles(conversation, next);
    if (shown.current) setFiles(next);
  }

  function add(chosen: Iterable<File>): void {
    const problems: string[] = [];
    const taken = [...chat.drafts.files(conversation)];
    for (const file of chosen) {
      const name = fileName(file.name);
      const wrong = refusal(file, name, chat.state.limits.attachmentBytes);
      if (wrong !== null) problems.push(wrong);
      else if (taken.length >= PICKED_MAX) {
        problems.push(`At most ${PICKED_MAX} files go out at once.`);
        break;
      } else taken.push(pick(file, name));
    }
    setProblem(problems.join(' '));
    keep(taken);
  }

  function pick(file: File, name: string): Picked {
    const id = uuidv7();
    if (isPicture(file.type)) {
      void lookOf(file).then(look => {
        const now = chat.drafts.files(conversation);
        if (look !== null) keep(now.map(other => (other.id === id ? { ...other, look } : other)));
      });
    }
    return { id, file, name };
  }

  return {
    files,
    problem,
    add,
    remove(id) {
      setProblem('');
      keep(chat.drafts.files(conversation).filter(other => other.id !== id));
    },
    clear() {
      setProblem('');
      keep([]);
    },
  };
}

/** A picture made small, as a `data:` address: the page's policy takes no others. */
async function lookOf(file: Blob): Promise<string | null> {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LOOK_PX / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return canvas.toDataURL('image/webp', 0.8);
  } catch {
    // Not every browser reads every picture.
    return null;
  }
}

/** Whether files are dragged, and not text. */
export const hasFiles = (data: DataTransfer | null): boolean => data?.types.includes('Files') ?? false;

/** What was dropped or pasted, without folders, which nobody can send. */
export function filesOf(data: DataTransfer | null): File[] {
  const items = [...(data?.items ?? [])].filter(({ kind }) => kind === 'file');
  return items.flatMap(item => {
    const file = item.webkitGetAsEntry()?.isDirectory ? null : item.getAsFile();
    return file ? [file] : [];
  });
}
