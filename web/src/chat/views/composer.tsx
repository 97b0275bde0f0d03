// Where messages are written.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import {
  beginning,
  completed,
  EVERYONE,
  mayMentionEveryone,
  mentionedIn,
  suggested,
  type Beginning,
} from '../nouns/mention.ts';
import { may, type Viewer } from '../nouns/permission.ts';
import * as store from '../store.ts';
import { Answering } from './answering.tsx';
import { isTaken } from './focus.ts';
import { AttachIcon } from './icons.tsx';
import { Mentions, optionId } from './mentions.tsx';
import { filesOf, type Choice } from './picked.ts';
import { Tray } from './tray.tsx';

/** Without a key pressed for so long, nobody is typing any more. */
const PAUSE_MS = 4_000;
/** As many as servers usually take. */
const MENTIONS_MAX = 100;
const encoder = new TextEncoder();

interface Props {
  chat: Chat;
  known: Viewer;
  conversation: store.Conversation;
  title: string;
  picked: Choice;
  /** Where its draft is kept, if not with the conversation's. */
  place?: string;
  /** The message below which it is written, where that is in a thread. */
  thread?: string;
}

export function Composer({ chat, known, conversation: shown, title, picked, thread, ...props }: Props) {
  const conversation = shown.id;
  const place = props.place ?? conversation;
  const answering = thread === undefined ? shown.answering : null;
  const [also, setAlso] = useState(false);
  const [text, setText] = useState(() => chat.drafts.text(place));
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const pause = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { textBytes } = chat.state.limits;
  const tooLong = text.length > textBytes / 4 && encoder.encode(text).length > textBytes;
  const list = useId();
  const [begun, setBegun] = useState<Beginning | null>(null);
  const [chosen, setChosen] = useState(0);
  const others = [...store.othersIn(known, shown), ...(mayMentionEveryone(shown, known) ? [EVERYONE] : [])];
  const people = begun ? suggested(others, begun.written) : [];
  const nothing = text.trim() === '' && picked.files.length === 0;

  useEffect(() => {
    // On a touch screen the keyboard would cover what there is to read.
    if (matchMedia('(hover: hover)').matches && !isTaken()) field.current?.focus();
    return () => clearTimeout(pause.current);
  }, []);

  // Whoever begins to answer goes on to write.
  useEffect(() => {
    if (answering !== null) field.current?.focus();
  }, [answering]);

  function changed(value: string): void {
    setText(value);
    chat.drafts.keepText(place, value);
    follow();
    clearTimeout(pause.current);
    if (value === '') return chat.stopTyping();
    chat.typed(conversation);
    pause.current = setTimeout(() => chat.stopTyping(), PAUSE_MS);
  }

  /** Looks whether a name is being written where the caret stands. */
  function follow(): void {
    const element = field.current;
    const found =
      element && element.selectionStart === element.selectionEnd
        ? beginning(element.value, element.selectionStart)
        : null;
    if (found) void chat.members.load(conversation);
    if (found?.written !== begun?.written) setChosen(0);
    setBegun(found);
  }

  function choose(person: store.Person): void {
    const element = field.current;
    if (!begun || !element) return;
    const next = completed(element.value, begun, person);
    // The field shows it at once, so that the caret can go behind it.
    element.value = next.text;
    element.focus();
    element.setSelectionRange(next.caret, next.caret);
    changed(next.text);
  }

  /** The keys of the list of people, while it is open. */
  function picks(event: KeyboardEvent): boolean {
    const person = people[chosen];
    if (!person || event.isComposing) return false;
    if (event.key === 'ArrowDown') setChosen((chosen + 1) % people.length);
    else if (event.key === 'ArrowUp') setChosen((chosen + people.length - 1) % people.length);
    else if (event.key === 'Escape') setBegun(null);
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) choose(person);
    else return false;
    event.preventDefault();
    return true;
  }

  function send(event: Event): void {
    event.preventDefault();
    if (nothing || tooLong) return;
    clearTimeout(pause.current);
    const named = mentionedIn(text, others, MENTIONS_MAX + 1);
    const mentions = named.filter(id => id !== EVERYONE.id).slice(0, MENTIONS_MAX);
    chat.send(conversation, text.trim(), picked.files, {
      ...(answering !== null && { replyTo: answering }),
      ...(mentions.length > 0 && { mentions }),
      ...(named.includes(EVERYONE.id) && { everyone: true }),
      ...(thread !== undefined && { thread, ...(also && { also }) }),
    });
    setAlso(false);
    setBegun(null);
    if (answering !== null) chat.answer(conversation, null);
    setText('');
    chat.drafts.keepText(place, '');
    picked.clear();
    field.current?.focus();
  }

  function pasted(event: ClipboardEvent): void {
    const data = event.clipboardData;
    // What was copied from a document comes as a picture of itself, too.
    if (!data || data.types.includes('text/plain')) return;
    const files = filesOf(data);
    if (files.length === 0) return;
    event.preventDefault();
    picked.add(files);
  }

  return (
    <form class="composer" onSubmit={send}>
      {answering !== null && (
        <Answering
          chat={chat}
          known={known}
          conversation={conversation}
          message={answering}
          entry={entryOf(shown, answering)}
          onCancel={() => {
            chat.answer(conversation, null);
            field.current?.focus();
          }}
        />
      )}
      <Tray files={picked.files} remove={picked.remove} />
      <p class="visually-hidden" role="status">
        {people.length > 0 &&
          `${people.length} ${people.length === 1 ? 'person' : 'people'}: choose with the arrows`}
      </p>
      <p class="problem" role="alert">
        {tooLong ? 'This text is too long.' : picked.problem}
      </p>
      <div class="writing">
        {may('attach', shown, known) && (
          <button
            class="attach"
            type="button"
            aria-label="Attach files"
            title="Attach files"
            onClick={() => chooser.current?.click()}
          >
            <AttachIcon />
          </button>
        )}
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-hidden="true"
          onChange={event => {
            picked.add(event.currentTarget.files ?? []);
            // The same file can be chosen again.
            event.currentTarget.value = '';
            field.current?.focus();
          }}
        />
        <div class="growing" data-text={text}>
          {people.length > 0 && <Mentions id={list} people={people} chosen={chosen} onChoose={choose} />}
          <textarea
            ref={field}
            rows={1}
            value={text}
            {...(people[chosen] && {
              'aria-haspopup': 'listbox',
              'aria-autocomplete': 'list',
              'aria-controls': list,
              'aria-activedescendant': optionId(list, people[chosen]),
            })}
            aria-label={`Message to ${title}`}
            aria-invalid={tooLong}
            placeholder={picked.files.length > 0 ? 'Add a caption' : 'Write a message'}
            onInput={event => changed(event.currentTarget.value)}
            onPaste={pasted}
            onSelect={follow}
            onBlur={() => setBegun(null)}
            onKeyDown={event => {
              if (picks(event)) return;
              if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
              else if (event.key === 'Escape' && answering !== null) chat.answer(conversation, null);
              else if (event.key === 'ArrowUp' && text === '' && thread === undefined) {
                event.preventDefault();
                chat.editLast(conversation);
              }
            }}
          />
        </div>
        <button class="primary" type="submit" disabled={nothing || tooLong}>
          Send
        </button>
      </div>
      {thread !== undefined && (
        <label class="also">
          <input type="checkbox" checked={also} onChange={event => setAlso(event.currentTarget.checked)} />
          Show it in the conversation, too
        </label>
      )}
    </form>
  );
}

function entryOf({ log }: store.Conversation, id: string): MessageEntry | undefined {
  const entry = log?.entries.find(other => other.kind === 'message' && other.id === id);
  return entry?.kind === 'message' ? entry : undefined;
}
