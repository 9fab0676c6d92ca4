import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Logged } from "./log.ts"

/**
 * A disk after the power was lost. What a returned fsync had covered is there: of a file its bytes
 * and its mode, of a folder its entries; not the folder's own entry in the one above. Of all else
 * any part may be there, or none.
 */

/** One change, and the inodes whose fsync makes it last. */
type Change = { readonly at: number; readonly covers: readonly number[] } & (
  | {
      readonly kind: "enter"
      readonly folder: number
      readonly name: string
      readonly inode: number
    }
  | { readonly kind: "leave"; readonly folder: number; readonly name: string }
  | {
      readonly kind: "move"
      readonly from: number
      readonly was: string
      readonly folder: number
      readonly name: string
      readonly inode: number
    }
  | {
      readonly kind: "write"
      readonly inode: number
      readonly offset: number | undefined
      readonly bytes: Buffer
    }
  | { readonly kind: "cut"; readonly inode: number; readonly size: number }
  | { readonly kind: "mode"; readonly inode: number; readonly mode: number }
)
type Sync = { readonly inode: number; readonly entered: number; readonly returned: number }
type Node = {
  readonly folder: boolean
  mode: number
  bytes: Buffer
  readonly entries: Map<string, number>
}

/** How much of what was not synced is there. `names`: of folders, not of files; `bytes`: the reverse. */
export type Kept = "none" | "names" | "bytes" | "all" | (() => number)

export type Laid = { readonly digest: string; readonly layOut: (folder: string) => void }

export class Disk {
  readonly #root: string
  readonly #nodes = new Map<number, Node>()
  readonly #changes: Change[] = []
  readonly #syncs: Sync[] = []

  /** These folders in `root` as they lie there: taken for lasting, whole. */
  constructor(root: string, folders: readonly string[]) {
    this.#root = root
    this.#nodes.set(0, { folder: true, mode: 0o700, bytes: Buffer.alloc(0), entries: new Map() })
    for (const name of folders)
      if (existsSync(join(root, name)))
        this.#nodes.get(0)?.entries.set(name, this.#read(join(root, name)))
  }

  /** Takes in what was logged; paths are resolved as they stood at the time. */
  replay(logged: readonly Logged[]): void {
    const names = new Map<number, Map<string, number>>(
      [...this.#nodes].map(([inode, { entries }]) => [inode, new Map(entries)]),
    )
    for (const change of this.#changes) enter(names, change)
    for (const one of logged) if (one.kind !== "say" && one.kind !== "hear") this.#take(one, names)
  }

  #take(
    one: Exclude<Logged, { readonly kind: "say" | "hear" }>,
    names: Map<number, Map<string, number>>,
  ): void {
    const find = (path: string): number | undefined =>
      path
        .slice(this.#root.length)
        .split("/")
        .filter((part) => part !== "")
        .reduce<number | undefined>(
          (at, part) => (at === undefined ? undefined : names.get(at)?.get(part)),
          0,
        )
    const must = (path: string): number => {
      const found = find(path)
      if (found === undefined) throw new Error(`${path} was used, but never made`)
      return found
    }
    const at = one.returned
    const name = basename(one.path)
    // A file that was unlinked meanwhile is not asked for any more.
    const inode = find(one.path)
    if (one.kind === "sync") {
      if (inode !== undefined) this.#syncs.push({ inode, entered: one.entered, returned: at })
      return
    }
    if (one.kind === "write" || one.kind === "cut" || one.kind === "mode") {
      if (inode !== undefined) this.#changes.push({ ...one, at, inode, covers: [inode] })
      return
    }
    const folder = must(dirname(one.path))
    if (one.kind === "rename") {
      const target = must(dirname(one.to))
      this.#changes.push({
        kind: "move",
        at,
        from: folder,
        was: name,
        folder: target,
        name: basename(one.to),
        inode: must(one.path),
        covers: [folder, target],
      })
    } else if (one.kind === "remove") {
      this.#changes.push({ kind: "leave", at, folder, name, covers: [folder] })
    } else if (inode === undefined) {
      const made = this.#nodes.size
      this.#nodes.set(made, {
        folder: one.kind === "folder",
        mode: one.mode,
        bytes: Buffer.alloc(0),
        entries: new Map(),
      })
      this.#changes.push({ kind: "enter", at, folder, name, inode: made, covers: [folder] })
    } else return
    const last = this.#changes.at(-1)
    if (last !== undefined) enter(names, last)
  }

  /** What of this disk had happened until `instant`, to go on from. */
  until(instant: number): Disk {
    const disk = new Disk(this.#root, [])
    for (const [inode, node] of this.#nodes)
      disk.#nodes.set(inode, { ...node, entries: new Map(node.entries) })
    disk.#changes.push(...this.#changes.filter(({ at }) => at <= instant))
    disk.#syncs.push(...this.#syncs.filter(({ returned }) => returned <= instant))
    return disk
  }

  /** The instants between which something changed or became lasting. */
  get instants(): readonly number[] {
    return [
      ...new Set([
        ...this.#changes.map(({ at }) => at),
        ...this.#syncs.map(({ returned }) => returned),
      ]),
    ].sort((one, other) => one - other)
  }

  /**
   * What would be lost for good if the power went right after `instant` and nothing that was not
   * synced were there.
   */
  unsynced(instant: number): number {
    return this.#changes.filter((change) => change.at <= instant && !this.#lasts(change, instant))
      .length
  }

  /** The disk as it may be when the power goes right after `instant`. */
  after(instant: number, kept: Kept): Laid {
    const nodes = new Map(
      [...this.#nodes].map(([inode, node]) => [inode, { ...node, entries: new Map(node.entries) }]),
    )
    for (const change of this.#changes) {
      if (change.at > instant) break
      if (this.#lasts(change, instant)) apply(nodes, change)
      else keepSome(nodes, change, kept)
    }
    return {
      digest: digestOf(nodes),
      layOut: (folder) => {
        rmSync(folder, { recursive: true, force: true })
        write(nodes, 0, folder)
      },
    }
  }

  #lasts({ at, covers }: Change, instant: number): boolean {
    return covers.every((inode) =>
      this.#syncs.some(
        (sync) => sync.inode === inode && sync.entered > at && sync.returned <= instant,
      ),
    )
  }

  #read(path: string): number {
    const inode = this.#nodes.size
    const stats = statSync(path)
    const node: Node = {
      folder: stats.isDirectory(),
      mode: stats.mode & 0o7777,
      bytes: stats.isDirectory() ? Buffer.alloc(0) : readFileSync(path),
      entries: new Map(),
    }
    this.#nodes.set(inode, node)
    if (node.folder)
      for (const name of readdirSync(path)) node.entries.set(name, this.#read(join(path, name)))
    return inode
  }
}

/** The same for disks on which the same lies. */
function digestOf(nodes: ReadonlyMap<number, Node>): string {
  const hash = createHash("sha256")
  const take = (inode: number, path: string): void => {
    const node = nodes.get(inode)
    if (node === undefined) return
    hash.update(JSON.stringify([path, node.mode, node.bytes.length])).update(node.bytes)
    for (const [name, child] of [...node.entries].sort(([one], [other]) => (one < other ? -1 : 1)))
      take(child, `${path}/${name}`)
  }
  take(0, "")
  return hash.digest("hex")
}

function keepSome(nodes: Map<number, Node>, change: Change, kept: Kept): void {
  const ofFolder = change.kind === "enter" || change.kind === "leave" || change.kind === "move"
  if (kept === "all" || (kept === "names" && ofFolder) || (kept === "bytes" && !ofFolder))
    return apply(nodes, change)
  if (typeof kept === "string" || kept() < 0.5) return
  // A page of a write may be there and the next one not.
  apply(
    nodes,
    change.kind === "write" && kept() < 0.5
      ? { ...change, bytes: change.bytes.subarray(0, Math.floor(kept() * change.bytes.length)) }
      : change,
  )
}

/** Changes the entries of folders, if it is such a change. */
function enter(entries: Map<number, Map<string, number>>, change: Change): void {
  const of = (folder: number): Map<string, number> => {
    const found = entries.get(folder) ?? new Map<string, number>()
    entries.set(folder, found)
    return found
  }
  if (change.kind === "leave") of(change.folder).delete(change.name)
  if (change.kind === "move") of(change.from).delete(change.was)
  if (change.kind === "enter" || change.kind === "move")
    of(change.folder).set(change.name, change.inode)
}

function apply(nodes: Map<number, Node>, change: Change): void {
  if (change.kind === "enter" || change.kind === "leave" || change.kind === "move") {
    enter(new Map([...nodes].map(([inode, { entries }]) => [inode, entries])), change)
  } else {
    const node = nodes.get(change.inode)
    if (node === undefined) return
    if (change.kind === "mode") node.mode = change.mode
    else if (change.kind === "cut")
      node.bytes = Buffer.concat([
        node.bytes,
        Buffer.alloc(Math.max(0, change.size - node.bytes.length)),
      ]).subarray(0, change.size)
    else {
      const offset = change.offset ?? node.bytes.length
      const bytes = Buffer.alloc(Math.max(node.bytes.length, offset + change.bytes.length))
      node.bytes.copy(bytes)
      change.bytes.copy(bytes, offset)
      node.bytes = bytes
    }
  }
}

function write(nodes: ReadonlyMap<number, Node>, inode: number, path: string): void {
  const node = nodes.get(inode)
  if (node === undefined) return
  if (!node.folder) return writeFileSync(path, node.bytes, { mode: node.mode })
  mkdirSync(path, { mode: node.mode })
  for (const [name, child] of node.entries) write(nodes, child, join(path, name))
}
