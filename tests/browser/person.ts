// Somebody at a browser. What goes wrong in their pages is gathered, and fails the test when they leave.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from 'playwright-core';

export const PASSWORD = 'a long enough password';
/** How long anything may take; nothing is expected to. Other work may use the same machine. */
export const PATIENCE_MS = 60_000;
const PROGRAMS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** What a slow machine may answer, and the page tries again. */
const SLOW = [429, 503];
const SLOW_CONSOLE = /the server responded with a status of (429|503)/;

export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? PROGRAMS.find(existsSync);
  assert.ok(executablePath, 'Chromium is not installed: run scripts/install-deps.sh --for-tests');
  return chromium.launch({
    executablePath,
    timeout: PATIENCE_MS,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export class Person {
  readonly complaints: string[] = [];

  private constructor(
    readonly name: string,
    readonly username: string,
    readonly url: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Comes with a browser profile of their own. */
  static async arrive(
    browser: Browser,
    url: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<Person> {
    const username = `${name.toLowerCase()}-${Math.random().toString(36).slice(2, 8)}`;
    return Person.at(browser, url, name, username, options);
  }

  /** Comes with another browser of their own, and signs in. */
  async again(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
    const person = await Person.at(browser, this.url, this.name, this.username, options);
    await person.page.goto(`${this.url}/`);
    await person.signIn();
    return person;
  }

  private static async at(
    browser: Browser,
    url: string,
    name: string,
    username: string,
    options: BrowserContextOptions,
  ): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const person = new Person(name, username, url, context, await context.newPage());
    person.listen();
    return person;
  }

  private listen(): void {
    const origin = new URL(this.url);
    const check = (address: string): void => {
      const url = new URL(address);
      const own = url.host === origin.host || ['data:', 'blob:'].includes(url.protocol);
      if (!own) this.complaints.push(`a request to another host: ${address}`);
    };
    this.context.on('request', request => check(request.url()));
    this.context.on('response', response => {
      if (response.status() >= 400 && !SLOW.includes(response.status()))
        this.complaints.push(`${response.status()} for ${response.url()}`);
    });
    this.context.on('weberror', error => this.complaints.push(`an uncaught error: ${error.error().message}`));
    this.context.on('console', message => {
      if (['error', 'warning'].includes(message.type()) && !SLOW_CONSOLE.test(message.text()))
        this.complaints.push(`the console says: ${message.text()}`);
    });
    this.context.on('page', page =>
      page.on('websocket', socket => check(socket.url().replace(/^ws/, 'http'))),
    );
    this.page.on('websocket', socket => check(socket.url().replace(/^ws/, 'http')));
  }

  async register(): Promise<void> {
    await this.page.goto(`${this.url}/`);
    await this.page.getByRole('button', { name: 'I am new here' }).click();
    await this.page.getByLabel('Username').fill(this.username);
    await this.page.getByLabel('Display name').fill(this.name);
    await this.page.getByLabel('Password').fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Register' }).click();
    await this.link('online');
  }

  async signIn(): Promise<void> {
    await this.page.getByLabel('Username').fill(this.username);
    await this.page.getByLabel('Password').fill(PASSWORD);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.link('online');
  }

  /** Waits for a state of the connection. */
  async link(state: 'online' | 'waiting'): Promise<void> {
    await this.page.locator(`[data-link="${state}"]`).waitFor({ state: 'attached' });
  }

  /** Opens the direct conversation with somebody by their username. */
  async openDirect(other: Person): Promise<void> {
    await this.page.getByRole('button', { name: 'New', exact: true }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByLabel('Username').fill(other.username);
    await dialog.getByRole('button', { name: 'Open' }).click();
    await this.page.getByRole('heading', { name: other.name }).waitFor();
    await dialog.waitFor({ state: 'detached' });
  }

  async createGroup(name: string, others: readonly Person[]): Promise<void> {
    await this.page.getByRole('button', { name: 'New', exact: true }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByText('Group').click();
    await dialog.getByLabel('Name of the group').fill(name);
    await dialog.getByLabel('Usernames').fill(others.map(other => other.username).join(', '));
    await dialog.getByRole('button', { name: 'Create' }).click();
    await this.page.getByRole('heading', { name }).waitFor();
    await dialog.waitFor({ state: 'detached' });
  }

  /** Looks at no conversation any more: what is said from now on is unread. */
  async turnAway(): Promise<void> {
    await this.page.goto(`${this.url}/#`);
    await this.page.locator('.nothing-shown').waitFor({ state: 'attached' });
  }

  /** The conversation's entry in the list. */
  item(title: string): Locator {
    return this.page.getByRole('navigation').getByRole('link', { name: title });
  }

  async choose(title: string): Promise<void> {
    await this.item(title).click();
    await this.page.getByRole('heading', { name: title }).waitFor();
  }

  get field(): Locator {
    return this.page.getByRole('textbox', { name: /^Message to/ });
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.field.fill(text);
      await this.field.press('Enter');
    }
  }

  /** Waits until a message is shown that has come back from the server. */
  async sees(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  message(text: string): Locator {
    return this.page
      .locator('.message[data-seq]')
      .filter({ has: this.page.locator('.text').and(this.page.getByText(text, { exact: true })) });
  }

  /** The texts of all messages shown, in their order. */
  async texts(): Promise<string[]> {
    return this.page.locator('.messages .text').allTextContents();
  }

  async shot(name: string): Promise<void> {
    const directory = fileURLToPath(new URL('shots/', import.meta.url));
    mkdirSync(directory, { recursive: true });
    await this.page.screenshot({ path: `${directory}${name}.png` });
  }

  /** Closes the browser's windows. Nothing may have gone wrong but what `expected` names. */
  async leave(expected?: RegExp): Promise<void> {
    await this.context.close();
    const unexpected = this.complaints.filter(complaint => !expected?.test(complaint));
    assert.deepEqual(unexpected, [], `${this.name}'s pages`);
  }
}

/** Waits until `actual` answers what is expected, and says what it answered at last when it never does. */
export async function eventually<T>(
  actual: () => Promise<T>,
  expected: T,
  patience = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await actual();
    try {
      assert.deepEqual(answer, expected);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise(again => setTimeout(again, 50));
    }
  }
}
