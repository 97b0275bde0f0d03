// A long conversation, in short.
import type { Person } from './person.ts';

/** Says so much that nobody could type it, over a socket of the page's own. */
export async function flood(person: Person, count: number): Promise<void> {
  await person.page.evaluate(async count => {
    const { token } = JSON.parse(localStorage.getItem('tidings.session')!) as { token: string };
    const conversation = location.hash.slice(1);
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws`);
    await new Promise(opened => (socket.onopen = opened));
    socket.send(JSON.stringify({ type: 'hello', token, device: crypto.randomUUID() }));
    let acks = 0;
    await new Promise<void>(done => {
      socket.onmessage = ({ data }) => {
        for (const line of String(data).split('\n')) if (line.startsWith('{"type":"ack"')) acks += 1;
        if (acks === count) done();
      };
      for (let n = 1; n <= count; n++) {
        const [id, content] = [crypto.randomUUID(), { kind: 'text', text: `message ${n}` }];
        socket.send(JSON.stringify({ type: 'message.send', id, conversation, content }));
      }
    });
    socket.close(1000);
  }, count);
}
