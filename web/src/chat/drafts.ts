// What was begun to be written and not sent, by conversation.
import type { Picked } from './nouns/attachment.ts';

export class Drafts {
  private readonly texts = new Map<string, string>();
  private readonly picked = new Map<string, readonly Picked[]>();

  text(id: string): string {
    return this.texts.get(id) ?? '';
  }

  keepText(id: string, text: string): void {
    if (text === '') this.texts.delete(id);
    else this.texts.set(id, text);
  }

  /** Files that were chosen. */
  files(id: string): readonly Picked[] {
    return this.picked.get(id) ?? [];
  }

  keepFiles(id: string, files: readonly Picked[]): void {
    if (files.length === 0) this.picked.delete(id);
    else this.picked.set(id, files);
  }
}
