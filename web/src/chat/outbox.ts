// What this person sends: files are stored first, one after the other, and messages go out with what became of them.
import type { Content } from '../protocol/frames.ts';
import type { Refusal } from '../protocol/socket.ts';
import { uuidv7 } from '../shared/ids.ts';
import { upload, type Stored } from '../shared/upload.ts';
import type { Core } from './core.ts';
import { isPicture, type Picked } from './nouns/attachment.ts';
import { contentText } from './nouns/message.ts';
import * as store from './store.ts';

/** Whom and what a message is meant for. */
export type Addressed = Pick<store.Outgoing, 'replyTo' | 'mentions' | 'everyone' | 'thread' | 'also'>;

/** A file on its way. */
interface Sending {
  picked: Picked;
  /** What the server says of it, once it has it: it is not sent twice for a message that failed. */
  stored?: Stored;
  cancel: AbortController;
}

export class Outbox {
  /** By the ids of their messages. */
  private readonly files = new Map<string, Sending>();
  /** By conversation, when the files before are through: they appear in the order in which they were chosen. */
  private readonly turns = new Map<string, Promise<void>>();

  constructor(
    private readonly core: Core,
    private readonly token: (refused: boolean) => Promise<string>,
  ) {}

  /** Sends a text, or files of which the first has it as its caption. */
  send(id: string, text: string, files: readonly Picked[], more: Addressed = {}): void {
    const at = new Date().toISOString();
    if (files.length === 0) return this.post(id, { ...more, id: uuidv7(), text, at, state: 'sending' });
    const { thread, also } = more;
    const inThread = { ...(thread !== undefined && { thread }), ...(also !== undefined && { also }) };
    for (const [index, picked] of files.entries()) {
      const { name, look, file } = picked;
      const shown = { name, size: file.size, ...(look !== undefined && { look }) };
      this.postFile(id, picked, {
        ...(index === 0 ? more : inThread),
        id: uuidv7(),
        text: index === 0 ? text : '',
        file: shown,
        at,
        state: 'uploading',
        progress: 0,
      });
    }
  }

  /** Sends on what another message says, which reads as `text`. */
  forward(id: string, forward: { conversation: string; message: string }, text: string): void {
    this.post(id, { id: uuidv7(), text, forward, at: new Date().toISOString(), state: 'sending' });
  }

  /** Sends a message that failed again. Its id stays the same, so that it cannot appear twice. */
  retry(id: string, message: store.Outgoing): void {
    const { reason: _, ...again } = message;
    const sending = this.files.get(message.id);
    if (!sending) this.post(id, { ...again, state: 'sending' });
    else this.postFile(id, sending.picked, { ...again, state: 'uploading', progress: 0 }, sending.stored);
  }

  /** Gives up a message that has not been sent. */
  cancel(id: string, message: string): void {
    this.files.get(message)?.cancel.abort();
    this.files.delete(message);
    this.core.update(state => store.withoutOutgoing(state, id, message));
  }

  stop(): void {
    for (const { cancel } of this.files.values()) cancel.abort();
    this.files.clear();
  }

  private postFile(id: string, picked: Picked, message: store.Outgoing, stored?: Stored): void {
    const sending: Sending = { picked, cancel: new AbortController(), ...(stored && { stored }) };
    this.files.set(message.id, sending);
    this.core.update(state => store.withOutgoing(state, id, message));
    const turn = (this.turns.get(id) ?? Promise.resolve()).then(() => this.upload(id, message, sending));
    this.turns.set(id, turn);
  }

  /** Never fails: what went wrong stands with the message. */
  private async upload(id: string, message: store.Outgoing, sending: Sending): Promise<void> {
    const { picked, cancel } = sending;
    if (cancel.signal.aborted) return;
    try {
      sending.stored ??= await upload(picked.file, picked.name, {
        token: this.token,
        signal: cancel.signal,
        onProgress: progress => this.said(id, message.id, { progress }),
      });
    } catch (error) {
      if (cancel.signal.aborted) return;
      const reason = error instanceof Error ? error.message : 'it could not be stored';
      return this.said(id, message.id, { state: 'failed', reason });
    }
    if (cancel.signal.aborted) return;
    this.post(id, { ...message, state: 'sending' }, fileContent(sending.stored, message.text));
  }

  private post(
    id: string,
    message: store.Outgoing,
    content: Content = { kind: 'text', text: message.text },
  ): void {
    const { core } = this;
    core.update(state => store.withOutgoing(state, id, message));
    const { replyTo, mentions = [], everyone, thread, also, forward } = message;
    const body = {
      type: 'message.send',
      conversation: id,
      ...(forward ? { forward } : { content }),
      ...(everyone && { everyone }),
      ...(replyTo !== undefined && { reply_to: replyTo }),
      ...(mentions.length > 0 && { mentions: [...mentions] }),
      ...(thread !== undefined && { thread }),
      ...(also && { also }),
    } as const;
    core.socket.command(body, message.id).then(
      ({ seq }) => {
        this.files.delete(message.id);
        this.said(id, message.id, { state: 'sent', seq });
      },
      ({ code, message: reason }: Refusal) => {
        // It waited too long for its message.
        if (code === 'not_found') delete this.files.get(message.id)?.stored;
        this.said(id, message.id, { state: 'failed', reason });
      },
    );
  }

  private said(id: string, message: string, outcome: Parameters<typeof store.withSendState>[3]): void {
    this.core.update(state => store.withSendState(state, id, message, outcome));
  }
}

function fileContent({ id: attachment, type }: Stored, caption: string): Content {
  const kind = isPicture(type) ? 'image' : 'file';
  return caption === '' ? { kind, attachment } : { kind, attachment, caption };
}

/** What a message that is on its way says, in one line. */
export const outgoingText = ({ text, file }: store.Outgoing): string =>
  file ? text || file.name : text || contentText(null);
