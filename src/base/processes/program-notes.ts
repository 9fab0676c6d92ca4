import { readFileSync, rmSync, writeFileSync } from "node:fs"
import type { MarkWatcher } from "./live-marks.ts"
import { ourLocation } from "./run-location.ts"
import { type ProcessId, processIdOf } from "./process-session.ts"

/**
 * Which programs of a mark were under way, for the run that follows a crash. The mark alone does
 * not tell: what a program started on purpose in a session of its own (setsid) carries it too, and
 * must live on. A note needs no sync, for no program outlives a power loss. A note that is missing,
 * or was made in another PID namespace, says nothing.
 */
export class ProgramNotes implements MarkWatcher {
  readonly #path: string
  /**
   * Of this process: `undefined` stands for one that is about to start, or of which nothing is known.
   */
  readonly #live = new Map<string, readonly (ProcessId | undefined)[]>()

  constructor(path: string) {
    this.#path = path
  }

  /** Those that had not ended; undefined where that is not known. */
  left(mark: string): readonly ProcessId[] | undefined {
    return this.#read()[mark]
  }

  begins(mark: string): void {
    this.#change(mark, (live) => [...live, undefined])
  }
  started(mark: string, pid: number | undefined): void {
    const id = pid === undefined ? undefined : processIdOf(pid)
    if (id !== undefined) this.#change(mark, (live) => replaceFirst(live, undefined, [id]))
  }
  ended(mark: string, pid: number | undefined): void {
    this.#change(mark, (live) => {
      const own = live.find((one) => one !== undefined && one.pid === pid)
      return replaceFirst(live, own, [])
    })
  }

  #change(
    mark: string,
    act: (live: readonly (ProcessId | undefined)[]) => readonly (ProcessId | undefined)[],
  ): void {
    const live = act(this.#live.get(mark) ?? [])
    this.#live.set(mark, live)
    const known = live.filter((one) => one !== undefined)
    // Notes are of one change set at a time: those of an older one are no longer needed.
    const group = mark.slice(0, mark.lastIndexOf("/") + 1)
    const { [mark]: before, ...all } = this.#read()
    const others = Object.fromEntries(Object.entries(all).filter(([one]) => one.startsWith(group)))
    if (known.length === live.length) this.#write({ ...others, [mark]: known })
    else if (before !== undefined) this.#write(others)
  }

  #read(): Readonly<Record<string, readonly ProcessId[]>> {
    try {
      const note = JSON.parse(readFileSync(this.#path, "utf8")) as Note
      return note.where === where() ? note.programs : {}
    } catch {
      return {}
    }
  }

  /** If it cannot be written it is removed: a note must not say what is no longer true. */
  #write(programs: Note["programs"]): void {
    try {
      const note: Note = { where: where() ?? "", programs }
      writeFileSync(this.#path, JSON.stringify(note), { mode: 0o600 })
    } catch {
      removeNotes(this.#path)
    }
  }
}

/** They are no longer needed. */
export function removeNotes(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // A store that cannot be written takes no state either: nothing is begun there.
  }
}

type Note = {
  readonly where: string
  readonly programs: Readonly<Record<string, readonly ProcessId[]>>
}

/** Process ids mean something within one namespace of one start of a kernel. */
function where(): string | undefined {
  const place = ourLocation()
  return place === undefined ? undefined : `${place.boot} ${place.namespace}`
}

function replaceFirst<T>(list: readonly T[], one: T, by: readonly T[]): readonly T[] {
  const at = list.indexOf(one)
  return at < 0 ? list : [...list.slice(0, at), ...by, ...list.slice(at + 1)]
}
