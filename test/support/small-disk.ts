import {
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/**
 * A disk of half a megabyte, to be filled or made read-only: a tmpfs, which only root may mount,
 * and not in every container.
 */

export class SmallDisk implements Disposable {
  readonly folder: string

  constructor(folder: string) {
    mkdirSync(folder, { mode: 0o700, recursive: true })
    this.folder = folder
    run("mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", folder)
  }
  get #ballast(): string {
    return join(this.folder, "ballast")
  }

  /** No byte is left, or a number of pages of 4 KiB. */
  fill(leave = 0): void {
    try {
      for (;;) writeFileSync(this.#ballast, Buffer.alloc(4096), { flag: "a", mode: 0o600 })
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error
    }
    truncateSync(this.#ballast, statSync(this.#ballast).size - leave * 4096)
  }
  empty(): void {
    rmSync(this.#ballast, { force: true })
  }
  /** What a hook runs to fill it. */
  get fillCommand(): string {
    return `dd if=/dev/zero of='${this.#ballast}' bs=4096 2> /dev/null`
  }
  readOnly(): void {
    run("mount", "-o", "remount,ro", this.folder)
  }
  writable(): void {
    run("mount", "-o", "remount,rw", this.folder)
  }
  [Symbol.dispose](): void {
    run("umount", "-l", this.folder)
  }
}

/** undefined where one can be had. */
export const whyNoDisk: string | undefined = tryToMount()

function tryToMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "mycelium-disk-"))
  try {
    new SmallDisk(folder)[Symbol.dispose]()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmdirSync(folder)
  }
}

function run(...argv: readonly string[]): void {
  if (Bun.which(argv[0] ?? "") === null) throw new Error(`${argv[0]} is not installed`)
  const { exitCode, stderr } = Bun.spawnSync([...argv])
  if (exitCode !== 0)
    throw new Error(`no file system can be mounted here: ${stderr.toString().trim()}`)
}
