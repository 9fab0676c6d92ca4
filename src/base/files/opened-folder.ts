import type { Stats } from "node:fs"
import type { Disk } from "./disk.ts"

/**
 * Who, besides root and us, can change what lies in a folder: no user, one user, or more than one.
 */
export type Keeper = "ours" | "shared" | number

/** What the way to it has told. */
type Walked = {
  readonly keeper: Keeper
  readonly stats: Stats
  readonly weak: string | undefined
  readonly place: string
  readonly held: number | undefined
}

export class Folder {
  /** As it was named. */
  readonly path: string
  readonly disk: Disk
  readonly keeper: Keeper
  readonly stats: Stats
  /** The first folder on the way that another user can change. */
  readonly weak: string | undefined
  /** Its path without links; or, for one that is held, what leads to it by its descriptor. */
  readonly #place: string
  readonly #held: number | undefined

  constructor(path: string, disk: Disk, { keeper, stats, weak, place, held }: Walked) {
    this.path = path
    this.disk = disk
    this.keeper = keeper
    this.stats = stats
    this.weak = weak
    this.#place = place
    this.#held = held
  }

  /** What to name to the system for what lies in it: one name, never a path. */
  at(name: string): string {
    return this.#place === "/" ? `/${name}` : `${this.#place}/${name}`
  }

  /** The folder itself. */
  get self(): string {
    return this.#held === undefined ? this.#place : this.at(".")
  }

  /** True where its path may lead elsewhere by now. */
  get isHeld(): boolean {
    return this.#held !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#held !== undefined) await this.disk.close(this.#held)
  }
}
