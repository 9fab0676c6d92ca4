import { type Folder, openFolderOf } from "./folder.ts"
import { isOpen, isOurs } from "./writers.ts"
import { type Owner, named } from "../system/other-end.ts"

/** A uid; or several: more than one user, besides root and us, could have put the socket there. */
type Keeper = Owner | "ours" | "several"

/**
 * The file of a unix socket. Who listens at one is who could have put it there: root, we, or the
 * one user who can change its folder.
 */
export class SocketFile {
  /** Where to connect to: it leads to that folder, whatever is exchanged on the way meanwhile. */
  readonly path: string
  /** The folder that another user can change. */
  readonly weak: string
  readonly #folder: Folder
  readonly #name: string
  readonly #keeper: Keeper

  constructor(path: string, folder: Folder, name: string) {
    this.path = folder.isHeld ? folder.at(name) : path
    this.weak = folder.weak ?? folder.path
    this.#folder = folder
    this.#name = name
    this.#keeper = keeperOf(folder)
  }

  /** More than one user can change the folder, so nothing is known of who listens. */
  get isAnybodys(): boolean {
    return this.#keeper === "several"
  }

  /** undefined: there is no socket now. */
  async owner(): Promise<Owner | "several" | undefined> {
    const stats = await this.#folder.disk.statPath(this.#folder.at(this.#name))
    if (stats?.isSocket() !== true) return undefined
    if (this.#keeper === "ours") return named(stats.uid)
    // A file of root's proves nothing there: who can change the folder can have moved it there, and
    // can replace it.
    return isOurs(stats.uid) || named(stats.uid) === this.#keeper ? this.#keeper : "several"
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]()
  }
}

/**
 * Refuses a way that another user could bend, as openFolderOf does; throws the system's error where
 * it ends early.
 */
export async function openSocketFile(path: string): Promise<SocketFile> {
  const { folder, name } = await openFolderOf(path)
  return new SocketFile(path, folder, name)
}

/**
 * In a folder that is held the way to it no longer matters: below /tmp, a folder of one user's is
 * theirs alone.
 */
function keeperOf({ keeper, isHeld, stats }: Folder): Keeper {
  if (keeper === "ours") return keeper
  if (keeper !== "shared") return named(keeper)
  return isHeld && !isOurs(stats.uid) && !isOpen(stats) ? named(stats.uid) : "several"
}
