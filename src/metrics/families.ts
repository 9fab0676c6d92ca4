import type { Figures, SecretFigures } from "./figures.ts"

/**
 * The metrics of environments and of their secrets, as Prometheus' text. By hand, for these are as
 * many as the config has environments: ten thousand are written piece by piece, and no list of them
 * is ever made.
 */

export type Seen = {
  readonly figures: Figures
  /** What this process has seen to end, by outcome. */
  readonly ended: Readonly<Record<Ended, number>>
}
export const endings = ["rotated", "rolled_back", "left", "waiting", "stuck", "failed"] as const
export type Ended = (typeof endings)[number]
export const nothingEnded: Seen["ended"] = {
  rotated: 0,
  rolled_back: 0,
  left: 0,
  waiting: 0,
  stuck: 0,
  failed: 0,
}

const kinds = ["failed", "late", "person", "drift", "not-contained", "owed"] as const

/** `samples`: labels of one environment, and their values. */
type Family = {
  readonly name: string
  readonly help: string
  readonly type: "gauge" | "counter"
  readonly samples: (seen: Seen, at: At) => readonly (readonly [string, number])[]
}
/** `isFailed`: its last run could not begin, or ended early. */
type At = { readonly nowMs: number; readonly isFailed: boolean }

function ofSecrets(
  pick: (secret: SecretFigures) => number | undefined,
): (seen: Seen) => readonly (readonly [string, number])[] {
  return ({ figures }) =>
    figures.secrets.flatMap((secret) => {
      const ms = pick(secret)
      return ms === undefined ? [] : [[`,secret="${escaped(secret.name)}"`, ms / 1000] as const]
    })
}

const states: readonly Family[] = [
  {
    name: "mycelium_secret_rotated_timestamp_seconds",
    help: "When the current value was made: its age is time() minus this. Not there if that is not known, or there is no value.",
    type: "gauge",
    samples: ofSecrets(({ rotatedAt }) => rotatedAt),
  },
  {
    name: "mycelium_secret_max_age_seconds",
    help: "The greatest age that the config allows. Not there for rotate_every: never.",
    type: "gauge",
    samples: ofSecrets(({ maxAgeMs }) => maxAgeMs),
  },
  {
    name: "mycelium_secret_due_timestamp_seconds",
    help: "When it is to be rotated. Not there for rotate_every: never, or without a value.",
    type: "gauge",
    samples: ofSecrets(({ dueAt }) => dueAt),
  },
  {
    name: "mycelium_troubles",
    help: "What is wrong, by kind, as the notices tell it: failed, late, person, drift, not-contained or owed.",
    type: "gauge",
    samples: ({ figures }, { nowMs, isFailed }) => {
      const counts = {
        failed: Number(isFailed),
        late: 0,
        person: 0,
        drift: 0,
        "not-contained": 0,
        owed: 0,
      }
      for (const { kind, from } of figures.troubles) if (from < nowMs) counts[kind]++
      return kinds.map((kind) => [`,kind="${kind}"`, counts[kind]])
    },
  },
  {
    name: "mycelium_revokes_owed",
    help: "Values that should be dead by now, and may still be accepted.",
    type: "gauge",
    samples: ({ figures }, { nowMs }) => [
      ["", figures.revokes.filter((from) => from <= nowMs).length],
    ],
  },
  {
    name: "mycelium_failed_attempts",
    help: "Attempts in a row that failed, over all secrets.",
    type: "gauge",
    samples: ({ figures }) => [["", figures.attempts]],
  },
]

const counters: readonly Family[] = [
  {
    name: "mycelium_rotations_total",
    help: "Rotations of a secret that this process has tried, by outcome; failed: a whole run that could not begin or ended early.",
    type: "counter",
    samples: ({ ended }) => endings.map((outcome) => [`,outcome="${outcome}"`, ended[outcome]]),
  },
]

/** So many characters are handed over at once. */
const pieceLength = 65_536

export type Asked = {
  readonly project: string
  readonly nowMs: number
  /** A counter of a process that ends with its run would count nothing. */
  readonly counts: boolean
  /** Environments whose last run could not begin, or ended early. */
  readonly failed: ReadonlySet<string>
}

/** The text, in pieces. Each environment stands once in each family, as the format wants it. */
export function* familiesOf(
  all: ReadonlyMap<string, Seen>,
  { project, nowMs, counts, failed }: Asked,
): Generator<string> {
  let piece = ""
  for (const { name, help, type, samples } of counts ? [...states, ...counters] : states) {
    piece += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    const head = `${name}{project="${escaped(project)}",environment="`
    for (const [environment, seen] of all) {
      const start = `${head}${escaped(environment)}"`
      const at = { nowMs, isFailed: failed.has(environment) }
      for (const [labels, value] of samples(seen, at)) piece += `${start}${labels}} ${value}\n`
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
