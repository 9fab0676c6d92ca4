import type { TroubleKind } from "../plan/troubles.ts"
import type { Figures, SecretFigures } from "./figures.ts"

/**
 * The metrics of environments and of their secrets, as Prometheus' text. By hand, for these are as
 * many as the config has environments: ten thousand are written piece by piece, and no list of them
 * is ever made.
 */

type Family = {
  readonly name: string
  readonly help: string
  /** Adds each sample of an environment, with its own labels. */
  readonly addTo: (add: Add, figures: Figures, at: At) => void
}
type Add = (labels: string, value: number) => void
/** `isFailed`: its last run could not begin, or ended early. */
type At = { readonly nowMs: number; readonly isFailed: boolean }

function ofSecrets(pick: (secret: SecretFigures) => number | undefined): Family["addTo"] {
  return (add, { secrets }) => {
    for (const secret of secrets) {
      const ms = pick(secret)
      if (ms !== undefined) add(`,secret="${escaped(secret.name)}"`, ms / 1000)
    }
  }
}

const families: readonly Family[] = [
  {
    name: "mycelium_secret_rotated_timestamp_seconds",
    help:
      "When the current value was made: its age is time() minus this. Not there if that is not known, " +
      "or there is no value.",
    addTo: ofSecrets(({ rotatedAt }) => rotatedAt),
  },
  {
    name: "mycelium_secret_max_age_seconds",
    help: "The greatest age that the config allows. Not there for rotate_every: never.",
    addTo: ofSecrets(({ maxAgeMs }) => maxAgeMs),
  },
  {
    name: "mycelium_secret_due_timestamp_seconds",
    help: "When it is to be rotated. Not there for rotate_every: never, or without a value.",
    addTo: ofSecrets(({ dueAt }) => dueAt),
  },
  {
    name: "mycelium_troubles",
    help:
      "What is wrong, by kind, as the notices tell it: failed, late, person, drift, not-contained or " +
      "owed. Not there if nothing is.",
    addTo: (add, { troubles }, { nowMs, isFailed }) => {
      const counts = new Map<TroubleKind, number>(isFailed ? [["failed", 1]] : [])
      for (const { kind, from } of troubles)
        if (from < nowMs) counts.set(kind, (counts.get(kind) ?? 0) + 1)
      for (const [kind, count] of counts) add(`,kind="${kind}"`, count)
    },
  },
  {
    name: "mycelium_revokes_owed",
    help: "Values that should be dead by now, and may still be accepted.",
    addTo: (add, { revokes }, { nowMs }) => add("", revokes.filter((from) => from <= nowMs).length),
  },
  {
    name: "mycelium_failed_attempts",
    help: "Attempts in a row that failed, over all secrets.",
    addTo: (add, { attempts }) => add("", attempts),
  },
]

/** Characters that are handed over at once. */
const pieceLength = 65_536

export type Asked = {
  readonly project: string
  readonly nowMs: number
  /** Environments whose last run could not begin, or ended early. */
  readonly failed: ReadonlySet<string>
}

/** The text, in pieces. Each environment stands once in each family, as the format wants it. */
export function* familiesOf(
  all: ReadonlyMap<string, Figures>,
  { project, nowMs, failed }: Asked,
): Generator<string> {
  let piece = ""
  let start = ""
  const add: Add = (labels, value) => {
    piece += `${start}${labels}} ${value}\n`
  }
  for (const { name, help, addTo } of families) {
    piece += `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`
    const head = `${name}{project="${escaped(project)}",environment="`
    for (const [environment, figures] of all) {
      start = `${head}${escaped(environment)}"`
      addTo(add, figures, { nowMs, isFailed: failed.has(environment) })
      if (piece.length < pieceLength) continue
      yield piece
      piece = ""
    }
  }
  yield piece
}

/** Names of the config hold none of these; a name that is not ours must not end a label. */
function escaped(name: string): string {
  return /["\\\n]/.test(name) ? JSON.stringify(name).slice(1, -1) : name
}
