// What a message says: a text, or a file with its caption.
import type { Chat } from '../chat.ts';
import type { MessageEntry } from '../fold.ts';
import { messageText } from '../nouns/message.ts';
import type * as store from '../store.ts';
import { AttachmentView } from './attachment.tsx';
import { Text } from './text.tsx';

interface Props {
  chat: Chat;
  known: store.Known;
  /** The conversation's id. */
  conversation: string;
  message: MessageEntry;
}

export function Said({ chat, known, conversation, message }: Props) {
  const { id, content, mentions, everyone } = message;
  const shared = { mentions, everyone, known };
  if (!content || content.kind === 'text') {
    return <Text text={messageText(message)} {...shared} />;
  }
  const { kind, caption } = content;
  return (
    <>
      <AttachmentView chat={chat} conversation={conversation} message={id} kind={kind} caption={caption} />
      {caption !== undefined && <Text text={caption} {...shared} />}
    </>
  );
}
