import { noHead } from "../../../src/core/audit-line.ts"
import type { Credential } from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import type { StateDocument } from "../../../src/core/state.ts"
import type { ChangeSet } from "../../../src/core/change-set.ts"
import type { Version } from "../../../src/core/version.ts"

/** Everything outside of a process, as plain data: it can be copied, compared and counted. */
export type World = {
  readonly plan: Plan
  stored: StateDocument
  log: readonly string[]
  /** What each service accepts, as "user:value". */
  readonly live: Record<string, readonly string[]>
  /** By target and by deployment: the "user:value" of each secret. */
  files: Readonly<Record<string, Readonly<Record<string, string>>>>
  programs: Readonly<Record<string, Readonly<Record<string, string>>>>
  /**
   * Requests whose client is dead or has given up: each may be carried out at any time, or never,
   * unless it is settled.
   */
  flights: readonly Flight[]
  /** The service that gives no answer. */
  silent: string | undefined
  /** What may still go wrong. */
  left: Faults
  readonly handed: Record<string, readonly string[]>
  /** The change sets that were once on their way back. */
  back: readonly string[]
  /** Deployments whose failed restart was told to a person. */
  excused: readonly string[]
  time: number
}

/**
 * Two values side by side under two roles, or under one user; one value, which the next one ends; a
 * value that no service asks for.
 */
export type Kind = "pair" | "both" | "one" | "none"
export type Member = {
  readonly kind: Kind
  /** The service refuses a second change while one is under way, as PostgreSQL's advisory lock does. */
  readonly guarded?: true
  readonly endSessions?: true
  /** Of a containment one request leaves only the new value, and none that others set. */
  readonly expels?: true
  /** The service takes no new value. */
  readonly policy?: true
}
export type Plan = {
  readonly title: string
  readonly members: Readonly<Record<string, Member>>
  /** Deployment "web" is healthy with the first values only. */
  readonly unhealthy?: true
  /** Not a rotation, a containment. `anew`: each run that is asked has an incident of its own. */
  readonly contain?: { readonly revokeFirst: boolean; readonly anew?: true }
}
export type Faults = {
  /** Processes that end at some instant. */
  readonly crashes: number
  /**
   * Requests that get no reply and are carried out later or never, of a process that lives or of
   * one that was killed.
   */
  readonly late: number
  /** Times that one service gives no answer, until it heals. */
  readonly silences: number
  /** Renames of an output and restarts that fail. */
  readonly failures: number
}
export type Flight = {
  readonly name: string
  readonly act: "apply" | "revoke" | "revoke-others"
  readonly entry: string
  readonly live: string
}

const made = "2025-10-01T00:00:00.000Z"

export function begin(plan: Plan, left: Faults): World {
  const names = Object.keys(plan.members)
  const first = Object.fromEntries(
    names.map((name) => [name, `${plan.members[name]?.kind === "pair" ? "blue" : ""}:${name}-v1`]),
  )
  const secrets = Object.fromEntries(
    names.map((name) => [
      name,
      {
        driver: name,
        rotatedAt: made,
        versions: [
          {
            id: "v1",
            madeAt: made,
            stage: { kind: "current" } as const,
            ...sealed(credentialOf("v1", first[name] ?? "")),
          },
        ],
      },
    ]),
  )
  const [leader = ""] = names
  const files = { "/env/a": { ...first }, "/env/b": { [leader]: first[leader] ?? "" } }
  return {
    plan,
    stored: {
      format: 1,
      id: "id",
      project: "shop",
      environment: "production",
      serial: 0,
      secrets,
      audit: { count: 0, head: noHead, lines: [] },
      mac: "",
    },
    log: [],
    live: Object.fromEntries(names.map((name) => [name, [first[name] ?? ""]])),
    files,
    programs: { api: { ...files["/env/a"] }, web: { ...files["/env/b"] } },
    flights: [],
    silent: undefined,
    left,
    handed: Object.fromEntries(names.map((name) => [name, []])),
    back: [],
    excused: [],
    time: Date.parse("2026-01-01T03:00:00Z"),
  }
}

/** For another way to go on. All other parts are replaced as a whole, never changed. */
export function copyOf(world: World): World {
  return { ...world, live: { ...world.live }, handed: { ...world.handed } }
}

/** A service carries out what it was sent. */
export function carryOut(world: World, { name, act, entry, live }: Flight): void {
  const kind = world.plan.members[name]?.kind
  const now = world.live[name] ?? []
  const [user, liveUser] = [userIn(entry), userIn(live)]
  if (act === "apply") {
    const others =
      kind === "one"
        ? []
        : now.filter((one) => (kind === "pair" ? userIn(one) !== user : one !== entry))
    world.live[name] = [...others, entry].sort()
  } else if (act === "revoke-others")
    world.live[name] = kind === "pair" ? now.filter((one) => userIn(one) === liveUser) : [live]
  else if (kind === "both") world.live[name] = now.filter((one) => one !== entry)
  else if (kind === "pair" && user !== liveUser)
    world.live[name] = now.filter((one) => userIn(one) !== user)
}

export function accepts(world: World, name: string, entry: string): boolean {
  return world.plan.members[name]?.kind === "none" || world.live[name]?.includes(entry) === true
}

function userIn(entry: string): string {
  return entry.slice(0, entry.indexOf(":"))
}

export function entryOf(credential: Credential): string {
  const { user, password } = credential.fields
  return `${typeof user === "string" ? user : ""}:${password instanceof Secret ? password.reveal() : String(password)}`
}

function credentialOf(version: string, entry: string): Credential {
  const user = userIn(entry)
  return {
    version,
    fields: {
      ...(user === "" ? {} : { user }),
      password: new Secret("model", entry.slice(user.length + 1)),
    },
  }
}

export function sealed(credential: Credential): Pick<Version, "clear" | "sealed" | "fingerprints"> {
  const entry = entryOf(credential)
  const user = userIn(entry)
  return {
    clear: user === "" ? {} : { user },
    sealed: entry.slice(user.length + 1),
    fingerprints: {},
  }
}

export function opened(version: Version): Credential {
  return credentialOf(version.id, shown(version))
}

export function shown(version: Version): string {
  return `${version.clear["user"] ?? ""}:${version.sealed}`
}

export function versionsOf(world: World, name: string): readonly Version[] {
  return world.stored.secrets[name]?.versions ?? []
}

/**
 * All that decides what may still happen, as text. Left out: the log and its chain, serial numbers
 * and what the notes of failures say, which the engine writes and never reads.
 */
export function keyOf(world: World, how: { readonly faults: boolean }): string {
  const { stored, live, files, programs, flights, silent, left, handed, back, excused, time } =
    world
  const secrets = Object.values(stored.secrets).map(({ versions, rotatedAt, contained, retry }) => [
    rotatedAt,
    contained,
    versions,
    retry?.code === "back-unhealthy",
  ])
  const plain = (set: ChangeSet): object => ({ ...set, id: back.includes(set.id) })
  const sets = [
    stored.changeSet === undefined ? null : plain(stored.changeSet),
    stored.deferred?.map(plain),
  ]
  return JSON.stringify([
    secrets,
    sets,
    live,
    files,
    programs,
    flights,
    how.faults ? [silent, left] : [],
    handed,
    excused,
    time,
  ])
}
