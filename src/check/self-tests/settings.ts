import { formatDuration } from "../../base/text/duration.ts"
import { type Shape, roundedBits, sayBits, sayShape } from "../../base/text/value-shape.ts"
import type { Finding } from "../../core/ports.ts"
import { sayUnread } from "../../core/unread.ts"
import { type Report, defineCheck } from "./check.ts"

/** What the config allows and one should know: said aloud, though it is valid. */

export type SecretSettings = {
  /** "production/postgres". */
  readonly place: string
  /** How its values are made; undefined where the driver does not say. */
  readonly shape: Shape | undefined
  readonly rotateEveryMs: number | null
  readonly hasValue: boolean
  readonly rotatedAt: Date | undefined
  /** It was taken over then, and how old it is, is unknown. */
  readonly undated: boolean
  /** Some output shows it; of one that a service asks for, `unshownSecret` says it. */
  readonly shown: boolean
  /** Files that name one user of a pair at a time. */
  readonly oneUser: readonly { readonly message: string; readonly remedy: string }[]
  /** Of a pair: its password is shown where its user is not. */
  readonly unshownUser: readonly Finding[]
  /** A service asks for it, and no output shows it. */
  readonly unshownSecret: readonly Finding[]
  /** Programs go on with an old value that its service no longer takes. */
  readonly readersWouldFail: readonly Finding[]
  /** By the schedule. */
  readonly dueAt: Date | undefined
}
export type Settings = {
  /** Throws, or tells, who besides us can change the config. */
  readonly trust: () => Promise<readonly Finding[]>
  /** What is wrong with the credentials that mycelium itself needs. */
  readonly references: readonly {
    readonly place: string
    readonly inspect: () => Promise<readonly Finding[]>
  }[]
  /** Options that take a guard away, where they are set: "insecure". */
  readonly unguarded: readonly { readonly place: string; readonly option: string }[]
  /** Where a password goes to a port of this machine as it is. */
  readonly clear?: readonly { readonly place: string; readonly address: string }[]
  readonly secrets: readonly SecretSettings[]
  readonly deployments: readonly { readonly place: string; readonly hasHealth: boolean }[]
  /** By environment, outputs that no deployment reads. */
  readonly unread?: readonly { readonly place: string; readonly targets: readonly string[] }[]
  readonly now: Date
}

/** A service that was off for a while catches up within minutes. */
const lateMs = 3_600_000

type Code =
  | "clear-text-login"
  | "insecure"
  | "secret-new"
  | "never-rotated"
  | "age-unknown"
  | "secret-unshown"
  | "pair-one-user"
  | "no-health-check"
  | "reader-missing"
  | "rotation-overdue"
  | "schedule-late"

export const settings = defineCheck<Code, Settings>({
  name: "config",
  faults: {
    "clear-text-login": {
      severity: "info",
      remedy:
        "let the server listen on a unix socket in a folder of its own " +
        "(unix:/run/redis/redis.sock), or with TLS (rediss://); listener: " +
        "USER says who may have the port",
    },
    insecure: {
      severity: "warning",
      remedy: "take insecure out: name the authority's certificate under tls",
    },
    "secret-new": {
      severity: "info",
      remedy:
        "mycelium adopt takes over a value that exists, mycelium rotate-now --new makes a first one",
    },
    "never-rotated": {
      severity: "info",
      remedy: "give it a rotate_every, if it encrypts nothing that is stored",
    },
    "age-unknown": {
      severity: "info",
      remedy:
        "nothing to do: the next rotation ends it; or mycelium adopt ENV --rotated-at TIME " +
        "says when the value was made",
    },
    "secret-unshown": {
      severity: "info",
      remedy: "show it in an output; or take it out of the config, if no program reads it",
    },
    "pair-one-user": { severity: "info", remedy: "show both users where the file is for a pooler" },
    "no-health-check": {
      severity: "info",
      remedy:
        "name one under healthy: without it a rotation cannot tell whether the new value works",
    },
    "reader-missing": {
      severity: "info",
      remedy:
        "name its reader in a deployment; nothing to do if that reads the file at each use, " +
        "or if you restart it yourself",
    },
    "rotation-overdue": {
      severity: "warning",
      remedy: "see that mycelium run is running; mycelium status says what keeps it",
    },
    "schedule-late": { severity: "info", remedy: "let the schedule fire more often" },
  },
  inspect: async (subject, report) => {
    await tellOf(subject.trust, undefined, report)
    await Promise.all(
      subject.references.map(({ place, inspect }) => tellOf(inspect, place, report)),
    )
    for (const { place, option } of subject.unguarded)
      report.found(
        "insecure",
        `${place} has ${option}: true`,
        option === "insecure" ? {} : { remedy: `take ${option} out` },
      )
    judgeClear(subject.clear ?? [], report)
    for (const secret of subject.secrets) judge(secret, subject.now, report)
    for (const { place, hasHealth } of subject.deployments)
      if (!hasHealth)
        report.found("no-health-check", `${place} has no health check: its restart proves little`)
    for (const { place, targets } of subject.unread ?? [])
      report.found("reader-missing", `${place}: ${sayUnread(targets)}`)
    return `loads, no other user can change it${strengthOf(subject.secrets)}`
  },
})

const neverDated =
  "mycelium adopt ENV --rotated-at TIME says when the value was made; it is never rotated by itself"

async function tellOf(
  inspect: () => Promise<readonly Finding[]>,
  place: string | undefined,
  report: Report<Code>,
): Promise<void> {
  try {
    for (const finding of await inspect())
      report.passed(
        place === undefined ? finding : { ...finding, message: `${place}: ${finding.message}` },
      )
  } catch (error) {
    report.failed(error, place)
  }
}

/** One finding for each address, however many secrets have it. */
function judgeClear(clear: NonNullable<Settings["clear"]>, report: Report<Code>): void {
  for (const address of new Set(clear.map((one) => one.address))) {
    const [first = "", ...more] = clear
      .filter((one) => one.address === address)
      .map(({ place }) => place)
    report.found(
      "clear-text-login",
      `${first}${more.length === 0 ? "" : ` (and ${more.length} more)`}: ` +
        `passwords go to ${address} as they are: another user who takes that port while the ` +
        "server is down is told from it by their uid alone",
    )
  }
}

function judge(secret: SecretSettings, now: Date, report: Report<Code>): void {
  const { place, rotateEveryMs, rotatedAt, undated, dueAt, hasValue } = secret
  for (const { message, remedy } of secret.oneUser)
    report.found("pair-one-user", message, { remedy })
  for (const finding of secret.unshownUser)
    report.passed({ ...finding, message: `${place}: ${finding.message}` })
  if (!hasValue) return report.found("secret-new", `${place} has no value yet`)
  for (const finding of [...secret.unshownSecret, ...secret.readersWouldFail])
    report.passed({ ...finding, message: `${place}: ${finding.message}` })
  if (!secret.shown)
    report.found(
      "secret-unshown",
      `${place} is rotated, and no output shows it: who reads its value elsewhere is refused ` +
        "after the next rotation",
    )
  if (undated && rotatedAt !== undefined)
    report.found(
      "age-unknown",
      `${place} was adopted ${formatDuration(now.getTime() - rotatedAt.getTime())} ago, ` +
        "and how old it was then is unknown",
      rotateEveryMs === null ? { remedy: neverDated } : {},
    )
  if (rotateEveryMs === null)
    return report.found(
      "never-rotated",
      `${place} is never rotated by itself (rotate_every: never)`,
    )
  judgeAge({ place, rotateEveryMs, rotatedAt, dueAt }, now, report)
}

type Age = Pick<SecretSettings, "place" | "rotatedAt" | "dueAt"> & {
  readonly rotateEveryMs: number
}

function judgeAge(
  { place, rotateEveryMs, rotatedAt, dueAt }: Age,
  now: Date,
  report: Report<Code>,
): void {
  if (rotatedAt === undefined || dueAt === undefined) return
  const oldest = rotatedAt.getTime() + rotateEveryMs
  if (now.getTime() - dueAt.getTime() > lateMs)
    report.found(
      "rotation-overdue",
      `${place} was due ${formatDuration(now.getTime() - dueAt.getTime())} ago and has not been rotated`,
    )
  else if (dueAt.getTime() > oldest)
    report.found(
      "schedule-late",
      `${place} will be ${formatDuration(dueAt.getTime() - oldest)} older than it may get: ` +
        "the schedule has no earlier time",
    )
}

/** "; values of 32 characters: 191.9 bits, of 35: 210.0 bits". */
function strengthOf(secrets: readonly SecretSettings[]): string {
  const shapes = secrets
    .flatMap(({ shape }) => shape ?? [])
    .sort((one, other) => roundedBits(one) - roundedBits(other))
  const said = [...new Set(shapes.map((shape) => `${sayShape(shape)}: ${sayBits(shape)}`))]
  return said.length === 0 ? "" : `; generated values of ${said.join(", of ")}`
}
