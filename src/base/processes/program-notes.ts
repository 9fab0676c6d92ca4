import { readFileSync, rmSync, writeFileSync } from "node:fs"
import type { MarkWatcher } from "./live-marks.ts"
import { ourLocation } from "./run-location.ts"
import { type ProcessId, processIdOf } from "./process-session.ts"

/**
 * Which programs of a mark were under way, for the run that follows a crash. A mark alone does not
 * tell: what a program started on purpose in a session of its own (setsid) carries it, too, and is
 * to live on. A note needs no sync, for no program outlives the power; one that is missing, or was
 * made where other processes are seen, says nothing.
 */
export class ProgramNotes implements MarkWatcher {
  readonly #path: string
  /** Of this process: `undefined` stands for one that is about to start, or of which nobody knows. */
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
    // Of one change set at a time: of an older one, nobody asks.
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

  /** What cannot be written must not say what is true no more. */
  #write(programs: Note["programs"]): void {
    try {
      const note: Note = { where: where() ?? "", programs }
      writeFileSync(this.#path, JSON.stringify(note), { mode: 0o600 })
    } catch {
      removeNotes(this.#path)
    }
  }
}

/** Nobody asks any more. */
export function removeNotes(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // A store that takes neither takes no state either: nothing is begun there.
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
