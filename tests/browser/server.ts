// A real server with databases of its own, for as long as a test file runs.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Making the databases takes a while on a busy machine. */
const START_MS = 120_000;
const STOP_MS = 60_000;

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = resolve(process.env['TIDINGS_BIN'] ?? join(repository, 'target/debug/tidings'));

/** A machine that is busy with other tests is no database that is away, nor is a page that has to wait one that says nothing. */
const PATIENT: Record<string, string> = {
  TIDINGS_DATABASE_TIMEOUT_MS: '30000',
  TIDINGS_QUERY_WAIT_MS: '30000',
  TIDINGS_AUTH__TIMEOUT_MS: '30000',
  TIDINGS_GATEWAY__CATCH_UP_WAIT_MS: '30000',
  TIDINGS_GATEWAY__HELLO_MS: '60000',
  TIDINGS_GRAPHQL__DEADLINE_MS: '60000',
  TIDINGS_GRAPHQL__INIT_MS: '60000',
  TIDINGS_ATTACHMENTS__THUMBNAIL_MS: '60000',
};

export class Server {
  private constructor(
    /** Where it serves, without a slash at the end. */
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly data: string,
  ) {}

  /** Starts a server; `settings` are environment variables. */
  static async start(settings: Record<string, string> = {}): Promise<Server> {
    return Server.on(await mkdtemp(join(tmpdir(), 'tidings-browser-')), settings);
  }

  /** Stops it, and starts one on the same data, which has other settings and another address. */
  async restarted(settings: Record<string, string>): Promise<Server> {
    await this.end();
    return Server.on(this.data, settings);
  }

  private static async on(data: string, settings: Record<string, string>): Promise<Server> {
    const child = spawn(binary, ['dev', '--data', data, '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...PATIENT, ...settings },
    });
    let log = '';
    child.stderr.on('data', chunk => (log = (log + String(chunk)).slice(-20_000)));
    const ready = new Promise<string>((found, failed) => {
      const late = setTimeout(() => failed(new Error(`the server did not start in time\n${log}`)), START_MS);
      createInterface(child.stdout).on('line', line => {
        const address = /^ready (http:\/\/\S+?)\/?$/.exec(line)?.[1];
        if (!address) return;
        clearTimeout(late);
        found(address);
      });
      child.once('error', failed);
      child.once('exit', code => failed(new Error(`the server ended with ${code}\n${log}`)));
    });
    try {
      return new Server(await ready, child, data);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.end();
    await rm(this.data, { recursive: true, force: true });
  }

  private async end(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      const late = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(late);
    }
  }
}

/** A way to the server that can be cut. */
export class Line {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(
    readonly url: string,
    private readonly listener: NetServer,
    private server: Server,
  ) {}

  static async to(server: Server): Promise<Line> {
    const listener = createServer(inner => {
      if (line.isCut) return void inner.destroy();
      const outer = connect(Number(new URL(line.server.url).port), '127.0.0.1');
      for (const [from, to] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        line.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          line.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const line = new Line(`http://127.0.0.1:${port}`, listener, server);
    return line;
  }

  /** Breaks all connections without a word, and takes no new ones. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  /** Leads to another server from now on. */
  leadTo(server: Server): void {
    this.server = server;
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.listener, 'close');
    this.listener.close();
    await closed;
  }
}
