// What people tell of themselves: looked at, and of oneself changed, with what others may do and know.
import type { Notice } from '../protocol/frames.ts';
import { upload } from '../shared/upload.ts';
import { again } from './again.ts';
import type { Core } from './core.ts';
import { Lookup } from './lookup.ts';
import { fileName } from './nouns/attachment.ts';
import { isOfPicture, renamed, type OwnSettings, type Profile, type ProfileChange } from './nouns/profile.ts';
import * as queries from './queries.ts';
import * as store from './store.ts';

/** All that is asked here fails with a sentence for people. */
export class Profiles {
  /** By the ids of people, what they are shown by. */
  readonly faces: Lookup<queries.Face>;

  constructor(
    private readonly core: Core,
    private readonly token: (refused: boolean) => Promise<string>,
  ) {
    this.faces = new Lookup(ids => queries.findFaces(core.ask, ids));
  }

  noticed(notice: Notice): void {
    const { me } = this.core.state;
    const name = renamed(notice);
    if (name !== null) this.called(name);
    if (isOfPicture(notice)) this.faces.again(me);
  }

  /** Somebody; with a position, as of then. */
  async find(id: string, position?: string): Promise<Profile> {
    const profile = await queries.findProfile(this.core.ask, id, position);
    if (!profile) throw new Error('There is nobody of that name any more.');
    this.core.update(state => store.withPeople(state, [profile]));
    return profile;
  }

  /** Shows something else of oneself. Answers what is shown then. */
  async change(change: ProfileChange): Promise<Profile> {
    const { core } = this;
    const { position } = await core.socket.command({ type: 'profile.update', ...change });
    if (change.display_name !== undefined) this.called(change.display_name);
    const profile = await this.own(position);
    if (change.avatar !== undefined) this.faces.again(core.state.me);
    return profile;
  }

  /** Stores a picture, and shows it of oneself. */
  async changePicture(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<Profile> {
    const { id } = await upload(file, fileName(file.name), { token: this.token, onProgress, signal });
    return this.change({ avatar: id });
  }

  /** Lets others do and know something else. Answers what holds then. */
  async settle(settings: Partial<OwnSettings>): Promise<Profile> {
    const { position } = await this.core.socket.command({ type: 'settings.update', ...settings });
    return this.own(position);
  }

  /** What holds of oneself by a position. It is done: read models that lag are asked again before anything else is said. */
  private async own(position: string): Promise<Profile> {
    const { me } = this.core.state;
    let problem: unknown;
    const find = (): Promise<Profile | null> =>
      this.find(me, position).catch((error: unknown) => {
        problem = error;
        return null;
      });
    const profile = await again(find, () => this.core.closed);
    if (!profile) throw problem;
    return profile;
  }

  stop(): void {
    this.faces.stop();
  }

  private called(displayName: string): void {
    this.core.update(state => {
      const own = state.people.get(state.me);
      return own ? store.withPeople(state, [{ ...own, displayName }]) : state;
    });
  }
}
