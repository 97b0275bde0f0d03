// What the chat page asks over GraphQL.
export * from './queries/ask.ts';
export * from './queries/contacts.ts';
export * from './queries/conversation.ts';
export * from './queries/governed.ts';
export * from './queries/invitations.ts';
export * from './queries/later.ts';
export * from './queries/message.ts';
export * from './queries/people.ts';
export * from './queries/profile.ts';
export * from './queries/receipts.ts';
export * from './queries/search.ts';
export * from './queries/thread.ts';
