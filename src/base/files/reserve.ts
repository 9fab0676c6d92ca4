import { basename, dirname, join } from "node:path"
import { type Disk, diskOf, slow, wayFlags, writeFlags } from "./disk.ts"
import { draftPath, openNew } from "./draft-file.ts"
import { durableWrite } from "./durable-write.ts"
import { writeError } from "./file-errors.ts"

/** No more are ever taken. */
export const filesMost = 8

/**
 * Room on a disk that may get full meanwhile: files beside the target, as large as what will
 * replace it. Each later write goes into one of them and renames it, so that it needs no new block.
 * They hold real bytes, not only a promise of the file system: that needs no ffi, which a hardened
 * unit forbids. Where a write never lands in the blocks of before (btrfs, zfs) the room is only
 * likely. They are numbered from 0 without a gap, and used and removed from the last one down.
 */
export class Reserve {
  readonly #target: string
  #left = 0
  #bytes = 0

  constructor(target: string) {
    this.#target = target
  }

  #path(index: number): string {
    return join(dirname(this.#target), `.${basename(this.#target)}.mycelium-reserve-${index}`)
  }

  /** `count` files of `bytes`, or none and a throw. */
  async take(bytes: number, count: number): Promise<void> {
    if (this.#left >= count && this.#bytes >= bytes) return
    await this.release()
    const disk = await diskOf(dirname(this.#target))
    const blank = Buffer.alloc(bytes)
    this.#bytes = bytes
    try {
      while (this.#left < count) {
        const path = this.#path(this.#left)
        const file = await openNew(disk, path)
        this.#left++
        try {
          await disk.write(file, blank)
        } finally {
          await disk.close(file)
        }
      }
    } catch (error) {
      await this.release()
      throw writeError(this.#target, error)
    }
  }

  /**
   * Replaces the target as a whole; durable when resolved. By what was reserved, as long as there
   * is any.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#left === 0 || bytes.length > this.#bytes) return durableWrite(this.#target, bytes)
    const path = this.#path(--this.#left)
    const disk = await diskOf(dirname(this.#target))
    try {
      const file = await disk.open(path, writeFlags)
      try {
        await disk.write(file, bytes)
        await disk.truncate(file, bytes.length)
        await slow.sync(file)
      } finally {
        await disk.close(file)
      }
      await slow.rename(path, this.#target)
      await syncWay(disk, dirname(this.#target))
    } catch (error) {
      throw writeError(this.#target, error)
    }
  }

  /** Gives the room of one write back, for another file; false where there is none. */
  async giveBack(): Promise<boolean> {
    if (this.#left === 0) return false
    await remove(this.#path(--this.#left))
    return true
  }

  async release(): Promise<void> {
    while (await this.giveBack());
  }

  /**
   * What a killed run has left: after a power loss with gaps, for what was not synced may be gone.
   * A draft of the target, too: writes that go into what is reserved never come upon it.
   */
  async tidy(): Promise<void> {
    for (let index = 0; index < filesMost; index++) await remove(this.#path(index))
    this.#left = 0
    await remove(draftPath(this.#target))
  }
}

/**
 * Of the folder that the rename has just gone to, by the same way: looking at each step of it again
 * would tell nothing more.
 */
async function syncWay(disk: Disk, folder: string): Promise<void> {
  const handle = await disk.open(folder, wayFlags)
  try {
    await slow.sync(handle)
  } finally {
    await disk.close(handle)
  }
}

async function remove(path: string): Promise<void> {
  try {
    await (await diskOf(dirname(path))).unlink(path)
  } catch {
    // The next run that works on the environment removes it.
  }
}
