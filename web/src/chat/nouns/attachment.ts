// Files on the chat page: those that are chosen, and those that messages show.

/** A file that is to be sent. */
export interface Picked {
  id: string;
  file: Blob;
  name: string;
  /** What it looks like, small, as a `data:` address; of pictures that this browser can read. */
  look?: string;
}

/** A file that a message shows. */
export interface Attachment {
  id: string;
  name: string;
  type: string;
  /** In bytes. */
  size: number;
  /** Of a picture, in pixels. */
  width: number | null;
  height: number | null;
  /** Open the file, and smaller pictures of it, for as long as `expiresAt` says. */
  url: string;
  thumbnail: string | null;
  large: string | null;
  expiresAt: string;
}

/** So many files go out with one message field. */
export const PICKED_MAX = 10;
const NAME_BYTES_MAX = 255;
/** What the server shows as a picture. */
const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'];

export const isPicture = (type: string): boolean => PICTURES.includes(type);

const encoder = new TextEncoder();

/** A name that the server takes: without folders, and cut before its ending where it is too long. */
export function fileName(name: string): string {
  const base = name.replace(/^.*[/\\]/s, '').replace(/\p{Cc}/gu, '') || 'file';
  if (encoder.encode(base).length <= NAME_BYTES_MAX) return base;
  const ending = /\.[^.]{1,16}$/u.exec(base)?.[0] ?? '';
  const letters = [...base.slice(0, base.length - ending.length)];
  const room = NAME_BYTES_MAX - encoder.encode(ending).length;
  let bytes = 0;
  const fitting = letters.findIndex(letter => (bytes += encoder.encode(letter).length) > room);
  return letters.slice(0, fitting < 0 ? undefined : fitting).join('') + ending;
}

/** Why a file cannot be sent, as a sentence; nothing where it can. */
export function refusal(file: Pick<Blob, 'size'>, name: string, bytesMax: number): string | null {
  if (file.size === 0) return `“${name}” is empty.`;
  if (file.size > bytesMax) return `“${name}” is larger than ${sizeText(bytesMax)}.`;
  return null;
}

/** A size as people read it. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && size < 10 ? 1 : 0;
  return `${size.toFixed(digits).replace(/\.0$/, '')} ${bytes === 1 ? 'byte' : units[unit]}`;
}

/** How large a picture is drawn, at most `most` pixels either way. */
export function fitted(width: number, height: number, most: number): { width: number; height: number } {
  const scale = Math.min(1, most / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
