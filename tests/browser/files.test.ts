// Files: chosen, dropped or pasted, sent, and shown to whoever may see them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { Download } from 'playwright-core';
import { eventually, type Person } from './person.ts';
import { stage } from './stage.ts';

/** A picture of a hill under a sky. */
function picture(width: number, height: number): Buffer {
  const lines = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const hill = y > height * (0.75 - 0.35 * Math.sin((Math.PI * x) / width));
      const shade = (y * 90) / height;
      lines.set(
        hill ? [60, 120 - shade / 2, 70] : [120 + shade, 170 + shade / 2, 230],
        y * (1 + width * 3) + 1 + x * 3,
      );
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  let crc = ~0;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(~crc >>> 0, body.length + 4);
  return framed;
}

const hill = { name: 'hill.png', mimeType: 'image/png', buffer: picture(1_600, 900) };
const notes = {
  name: 'notes of the walk.txt',
  mimeType: 'text/plain',
  buffer: Buffer.from('up, and down again\n'),
};

const { two } = stage({ TIDINGS_ATTACHMENTS__FILE_BYTES: '1000000' });

type File = typeof hill;

async function choose(person: Person, ...files: File[]): Promise<void> {
  const chooser = person.page.waitForEvent('filechooser');
  await person.page.getByRole('button', { name: 'Attach files' }).click();
  await (await chooser).setFiles(files);
}

/** Lets files fall onto the conversation, or pastes them into the field. */
async function give(person: Person, type: 'drop' | 'paste', ...files: File[]): Promise<void> {
  const data = await person.page.evaluateHandle(
    given => {
      const transfer = new DataTransfer();
      for (const { name, mimeType, bytes } of given) {
        transfer.items.add(
          new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, { type: mimeType }),
        );
      }
      return transfer;
    },
    files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: buffer.toString('base64') })),
  );
  if (type === 'paste') {
    const event = (field: Element, clipboardData: DataTransfer): boolean =>
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    await person.field.evaluate(event, data);
    return;
  }
  const main = person.page.getByRole('main');
  await main.dispatchEvent('dragover', { dataTransfer: data });
  await person.page.getByText(/^Drop files to send them to/).waitFor();
  await person.shot('drop');
  await main.dispatchEvent('drop', { dataTransfer: data });
}

const waiting = (person: Person): Promise<string[]> =>
  person.page.locator('.tray .file-name').allTextContents();

/** Waits until a picture among the messages has been drawn. */
async function drawn(person: Person): Promise<void> {
  const image = person.page.locator('.message[data-seq] .picture img');
  await image.waitFor();
  await eventually(
    () => image.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth > 0),
    true,
  );
}

test('a picture that was chosen is sent with its caption, and seen by the other, small and large', async () => {
  const [ann, ben] = await two({}, { colorScheme: 'dark' });
  await choose(ann, hill);
  await eventually(() => waiting(ann), ['hill.png']);
  await ann.page.locator('.tray img').waitFor();
  await ann.field.fill('The *hill* behind the house');
  await ann.shot('tray');
  await ann.field.press('Enter');
  await eventually(() => waiting(ann), []);
  for (const person of [ann, ben]) await drawn(person);
  const shown = ben.page.locator('.message[data-seq]').filter({ has: ben.page.locator('.picture') });
  await eventually(() => shown.locator('.text').textContent(), 'The hill behind the house');
  assert.deepEqual(
    await shown.locator('.picture img').evaluate((img: HTMLImageElement) => [img.width, img.height]),
    [320, 180],
  );
  await ben.shot('picture-dark');
  // The list says what it is.
  await eventually(
    async () => (await ben.item('Ann').locator('.item-preview').textContent()) ?? '',
    'The *hill* behind the house',
  );
  await shown.getByRole('button', { name: /^Picture The \*hill\*/ }).click();
  const viewer = ben.page.getByRole('dialog');
  const large = viewer.locator('img');
  await eventually(() => large.evaluate((img: HTMLImageElement) => img.naturalWidth), 1_280);
  await ben.shot('viewer-dark');
  assert.match((await viewer.locator('footer').textContent()) ?? '', /hill\.png \(1600 × 900, /);
  await ben.page.setViewportSize({ width: 390, height: 720 });
  await ben.shot('viewer-narrow');
  await ben.page.keyboard.press('Escape');
  await viewer.waitFor({ state: 'detached' });
  await ben.shot('picture-narrow');
  // It is the same after a reload, and the end of the conversation is in view though pictures come late.
  await ben.page.reload();
  await drawn(ben);
  await eventually(
    () =>
      ben.page
        .locator('.messages')
        .evaluate(list => list.scrollHeight - list.scrollTop - list.clientHeight < 2),
    true,
  );
  await ann.leave();
  await ben.leave();
});

test('files that are dropped or pasted go out in their order, and are fetched with their names', async () => {
  const [ann, ben] = await two();
  await give(ann, 'drop', notes);
  await give(ann, 'paste', hill);
  await eventually(() => waiting(ann), [notes.name, 'hill.png']);
  await ann.page.getByRole('button', { name: `Remove ${notes.name}` }).click();
  await eventually(() => waiting(ann), ['hill.png']);
  await give(ann, 'drop', notes);
  await ann.page.getByRole('button', { name: 'Send' }).click();
  await drawn(ben);
  const file = ben.page.getByRole('link', { name: notes.name });
  await file.waitFor();
  const order = (): Promise<string[]> =>
    ben.page
      .locator('.message[data-seq] .attachment')
      .evaluateAll(all => all.map(one => one.className.replace('attachment ', '')));
  await eventually(order, ['picture', 'file']);
  await ben.shot('files');
  // Whichever page it belongs to, and however soon it begins.
  const download = new Promise<Download>(begun => ben.context.once('download', begun));
  await Promise.all([ben.page.waitForEvent('popup'), file.click()]);
  const saved = await download;
  assert.equal(saved.suggestedFilename(), notes.name);
  assert.equal(await readFile((await saved.path())!, 'utf8'), 'up, and down again\n');
  await ann.leave();
  await ben.leave();
});

test('a picture that a busy server refuses is fetched again', async () => {
  const [ann, ben] = await two();
  let refused = 0;
  await ben.page.route(/\/thumbnail\?/, route => {
    refused += 1;
    return refused === 1 ? route.fulfill({ status: 503 }) : route.continue();
  });
  await choose(ann, hill);
  await ann.page.getByRole('button', { name: 'Send' }).click();
  await drawn(ben);
  assert.ok(refused >= 2, `${refused} times`);
  await ann.leave();
  await ben.leave();
});

test('what is too large or empty is refused with a reason, and nothing is sent', async () => {
  const [ann, ben] = await two();
  await choose(
    ann,
    { ...notes, name: 'film.bin', buffer: Buffer.alloc(1_000_001, 1) },
    { ...notes, name: 'empty', buffer: Buffer.alloc(0) },
  );
  const alert = ann.page.locator('.composer [role="alert"]');
  await eventually(() => alert.textContent(), '“film.bin” is larger than 977 KB. “empty” is empty.');
  await ann.shot('refused');
  assert.deepEqual(await waiting(ann), []);
  assert.ok(await ann.page.getByRole('button', { name: 'Send' }).isDisabled());
  await choose(ann, notes);
  await eventually(() => alert.textContent(), '');
  await ann.leave();
  await ben.leave();
});

test('an upload shows how far it is, and can be cancelled', async () => {
  const [ann, ben] = await two();
  // A narrow line.
  const session = await ann.context.newCDPSession(ann.page);
  const throttle = (bytes: number): Promise<unknown> =>
    session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytes,
    });
  await throttle(20_000);
  await choose(ann, { ...notes, name: 'long.bin', buffer: Buffer.alloc(900_000, 7) });
  await ann.say('It takes a while');
  const bar = ann.page.getByRole('progressbar', { name: 'Uploading long.bin' });
  await eventually(async () => Number(await bar.getAttribute('value')) > 0, true);
  await ann.shot('uploading');
  await ann.page.getByRole('button', { name: 'Cancel sending long.bin' }).click();
  await bar.waitFor({ state: 'detached' });
  await throttle(-1);
  await ann.say('Never mind');
  await ben.sees('Never mind');
  await eventually(() => ben.texts(), ['Good morning', 'Never mind']);
  await ann.leave(/net::ERR_ABORTED|ERR_FAILED/);
  await ben.leave();
});
