import { AppError } from "../../../src/base/error.ts"
import type {
  Credential,
  Deployment,
  Draft,
  Driver,
  Output,
  Probe,
  Values,
} from "../../../src/core/ports.ts"
import { Secret } from "../../../src/core/secret.ts"
import { nextVersionId } from "../../../src/core/version-changes.ts"
import { openSets } from "../../../src/core/change-set.ts"
import { delivery } from "../../../src/deliver/delivery.ts"
import { defer } from "../../../src/rotate/defer.ts"
import { revokeOwed } from "../../../src/rotate/revoke.ts"
import { rotate } from "../../../src/rotate/rotate.ts"
import { resume } from "../../../src/rotate/resume.ts"
import { Session } from "../../../src/rotate/session.ts"
import type { Outcomes, Vault, Work } from "../../../src/rotate/work.ts"
import { resumeDeferred } from "../run.ts"
import { type Flight, type World, accepts, carryOut, entryOf, opened, sealed } from "./world.ts"

/** An act at the outside that a process waits for; the explorer says when it happens, and how it ends. */
export type Act = {
  /** A secret's name; "disk" or "clock". */
  readonly place: string
  readonly kind:
    | "settle"
    | "apply"
    | "probe"
    | "revoke"
    | "revoke-others"
    | "commit"
    | "restart"
    | "save"
    | "flush"
    | "pause"
  /** Does it, and answers what the process then sees, in a word. */
  readonly carryOut: () => string
  /** It ends without an answer, or with a failure. */
  readonly fail: () => string
  /** As it travels: a change that may land later. */
  readonly flight?: Flight
}

/**
 * One process that has the lock, from its start to its end; its memory is a function of the disk it
 * found and of `heard`.
 */
export class Life {
  readonly world: World
  readonly waiting: Act[] = []
  /** What it was answered, by place, in order. */
  readonly heard: Record<string, string[]> = {}
  over = false
  /** An error that ended it; every AppError is a way to end. */
  error: unknown

  constructor(world: World, ask: boolean) {
    this.world = world
    this.#live(ask).then(
      () => (this.over = true),
      (error: unknown) => {
        this.over = true
        if (!(error instanceof AppError)) this.error = error
      },
    )
  }

  /**
   * As the commands and the service do: end the journal, revoke what is owed, rotate if asked, take
   * up what was put aside; ask once more if the answer is unknown.
   */
  async #live(ask: boolean): Promise<void> {
    const { plan } = this.world
    const session = await Session.load(this.#work())
    const recovered = await this.#patiently(session, await resume(session))
    await defer(session)
    if (session.changeSet !== undefined) return
    const incidents = Object.entries(session.document.secrets).map(
      ([name, { contained }]) => [name, contained?.incident] as const,
    )
    const incident =
      plan.contain?.anew === true && incidents.some(([, one]) => one === "leak")
        ? "another leak"
        : "leak"
    // A containment goes on whatever is owed, but for what an earlier run of the same incident has left.
    const before =
      plan.contain === undefined || !ask
        ? {}
        : { secrets: incidents.flatMap(([name, one]) => (one === incident ? [name] : [])) }
    await revokeOwed(session, { skipGrace: false, ...before })
    const wanted = Object.keys(plan.members).filter(
      (name) =>
        !session.isOpen(name) &&
        recovered[name]?.kind !== "rotated" &&
        session.state(name).contained?.incident !== incident,
    )
    const order =
      plan.contain === undefined
        ? ({ why: "asked" } as const)
        : ({
            why: "incident",
            incident,
            contain: { revokeFirst: plan.contain.revokeFirst },
          } as const)
    if (ask && wanted.length > 0)
      await this.#patiently(session, await rotate(session, { secrets: wanted, ...order }))
    if (session.changeSet === undefined) await revokeOwed(session, { skipGrace: false })
    this.#heed(await resumeDeferred(session))
  }

  async #patiently(session: Session, outcomes: Outcomes): Promise<Outcomes> {
    this.#heed(outcomes)
    if (
      session.changeSet === undefined ||
      !Object.values(outcomes).some(({ kind }) => kind === "waiting")
    )
      return outcomes
    return { ...outcomes, ...this.#heed(await resume(session)) }
  }

  /** An error that nobody foresaw is said as an outcome. */
  #heed(outcomes: Outcomes): Outcomes {
    for (const outcome of Object.values(outcomes))
      if ("code" in outcome && outcome.code === "internal") this.error = outcome.message
    return outcomes
  }

  /** The explorer lets `act` end. */
  end(act: Act, how: "carryOut" | "fail"): void {
    this.#leave(act)
    ;(this.heard[act.place] ??= []).push(`${act.kind} ${act[how]()}`)
  }

  /**
   * A change whose client no longer listens travels on, as the late request that there may be; a
   * second one never arrives.
   */
  #abandon(act: Act): void {
    const { world } = this
    this.#leave(act)
    if (act.flight === undefined || world.left.late === 0) return
    world.left = { ...world.left, late: world.left.late - 1 }
    world.flights = [...world.flights, act.flight]
  }

  #leave(act: Act): void {
    this.waiting.splice(this.waiting.indexOf(act), 1)
  }

  #act<T>(
    place: string,
    kind: Act["kind"],
    effect: () => readonly [T, string],
    how: {
      readonly flight?: Flight
      readonly signal?: AbortSignal
      readonly failsWith?: () => T
    } = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const act: Act = {
        place,
        kind,
        carryOut: () => {
          const [value, word] = effect()
          resolve(value)
          return word
        },
        fail: () => {
          if (how.failsWith === undefined)
            reject(new AppError("no-answer", "no answer", { remedy: "retry" }))
          else resolve(how.failsWith())
          return "failed"
        },
        ...(how.flight === undefined ? {} : { flight: how.flight }),
      }
      this.waiting.push(act)
      // Given up while under way: the caller has gone, the service may have it all the same.
      how.signal?.addEventListener("abort", () => this.waiting.includes(act) && this.#abandon(act))
    })
  }

  #driver(name: string): Driver {
    const { world } = this
    const { kind = "none", guarded, policy, expels } = world.plan.members[name] ?? {}
    const change = (
      act: Flight["act"],
      entry: string,
      live: string,
      signal: AbortSignal,
    ): Promise<void> => {
      const flight = { name, act, entry, live }
      const isRefused = act === "apply" && policy === true && !entry.endsWith("-v1")
      const effect = (): readonly [undefined, string] => {
        if (guarded === true && world.flights.some((one) => one.name === name))
          throw new AppError("locked-at-server", "another session changes it", { remedy: "retry" })
        if (isRefused) throw new AppError("refused-by-policy", "no", { remedy: "give-up" })
        carryOut(world, flight)
        return [undefined, "done"]
      }
      return this.#act<(() => undefined) | undefined>(name, act, () => attempted(effect), {
        signal,
        ...(isRefused ? {} : { flight }),
      }).then((refuse) => refuse?.())
    }
    return {
      overlap: kind === "pair" ? "both" : kind,
      generate: ({ current }) => ({
        ...(kind === "pair" ? { user: current?.fields["user"] === "blue" ? "green" : "blue" } : {}),
        password: new Secret(
          name,
          `${name}-${nextVersionId(world.stored.secrets[name] ?? { driver: "", versions: [] })}`,
        ),
      }),
      preflight: () => Promise.resolve([]),
      settle: (_, signal) =>
        this.#act(
          name,
          "settle",
          () => {
            world.flights = world.flights.filter((flight) => flight.name !== name)
            return [true, "done"]
          },
          { signal },
        ),
      apply: async (next, _, signal) => {
        const entry = entryOf(next)
        world.handed[name] = [...new Set([...(world.handed[name] ?? []), entry])].sort()
        await change("apply", entry, entry, signal)
        return { acceptedAt: "2026-01-01T03:00:00.000Z" }
      },
      probe: (candidate, signal) =>
        this.#act<Probe>(
          name,
          "probe",
          () => {
            const answer = accepts(world, name, entryOf(candidate)) ? "accepted" : "refused"
            return [answer, answer]
          },
          { signal },
        ),
      revoke: async (old, live, _, signal) => {
        await change("revoke", entryOf(old), entryOf(live), signal)
        return { sessionsEnded: 0 }
      },
      ...(expels !== true
        ? {}
        : {
            revokeOthers: async (live: Credential, signal: AbortSignal) => {
              await change("revoke-others", entryOf(live), entryOf(live), signal)
              return { sessionsEnded: 0, notes: [] }
            },
          }),
      describe: () => name,
    }
  }

  #output(target: string): Output {
    const { world } = this
    const shows = Object.keys(world.files[target] ?? {})
    const show = (values: Values): Record<string, string> =>
      Object.fromEntries(
        shows.flatMap((name) =>
          values[name] === undefined ? [] : [[name, entryOf(values[name])]],
        ),
      )
    const draft = (next: Record<string, string>): Draft => ({
      changed: JSON.stringify(next) !== JSON.stringify(world.files[target]),
      bytes: Buffer.from(JSON.stringify(next)),
      changes: Object.keys(next),
      commit: () =>
        this.#act("disk", "commit", () => {
          world.files = { ...world.files, [target]: next }
          return [undefined, target]
        }),
      discard: () => Promise.resolve(),
    })
    return {
      target,
      shows,
      read: () => Promise.resolve(Buffer.from(JSON.stringify(world.files[target]))),
      prepare: (values) => Promise.resolve(draft(show(values))),
      restore: (before) =>
        Promise.resolve(
          draft(
            before === undefined
              ? {}
              : (JSON.parse(Buffer.from(before).toString()) as Record<string, string>),
          ),
        ),
      compare: (values) =>
        Promise.resolve(
          JSON.stringify(show(values)) === JSON.stringify(world.files[target]) ? "same" : "differs",
        ),
      adopt: () => Promise.resolve({}),
      tidy: () => Promise.resolve(),
    }
  }

  #healthy(name: string): true | string {
    const first = Object.values(this.world.programs[name] ?? {}).every((entry) =>
      entry.endsWith("-v1"),
    )
    return this.world.plan.unhealthy === true && name === "web" && !first ? "503" : true
  }

  /**
   * On the way back a restart that fails is told, and the journal ends: what the program holds is
   * then a person's to mend.
   */
  #refuse(name: string): string {
    const { world } = this
    if (world.stored.changeSet?.direction === "back")
      world.excused = [...new Set([...world.excused, name])].sort()
    return "503"
  }

  #work(): Work {
    const { world } = this
    const { members } = world.plan
    const names = Object.keys(members)
    const deployment = (name: string, target: string): Deployment => ({
      name,
      reads: [target],
      restarter: { label: name, restart: () => Promise.resolve() },
      withinMs: 1,
      timeoutMs: 1,
    })
    return {
      environment: "production",
      host: {
        now: () => new Date(world.time),
        monotonicMs: () => world.time,
        pause: (_, signal) => this.#pause(signal),
        random: (count) => new Uint8Array(count),
        env: () => undefined,
      },
      actor: { user: "test", via: "test" },
      drivers: Object.fromEntries(names.map((name) => [name, this.#driver(name)])),
      kinds: Object.fromEntries(names.map((name) => [name, name])),
      policies: Object.fromEntries(
        names.map((name) => [
          name,
          { graceMs: 600_000, endSessions: members[name]?.endSessions === true },
        ]),
      ),
      outputs: Object.keys(world.files).map((target) => this.#output(target)),
      deployments: [deployment("api", "/env/a"), deployment("web", "/env/b")],
      startedWith: "{}",
      text: (field) => new Secret(field, "a wrong value"),
      newId: () => `set${world.stored.serial}`,
      vault,
      ledger: {
        load: () => Promise.resolve(world.stored),
        save: (next) =>
          this.#act("disk", "save", () => {
            if (next.serial !== world.stored.serial + 1)
              throw new Error(`serial ${next.serial} after ${world.stored.serial}`)
            world.stored = next
            world.back = [
              ...new Set([
                ...world.back,
                ...openSets(next)
                  .filter(({ direction }) => direction === "back")
                  .map(({ id }) => id),
              ]),
            ]
            return [undefined, "done"]
          }),
        flush: (document) =>
          this.#act("disk", "flush", () => {
            const first = document.audit.count - document.audit.lines.length + 1
            world.log = [
              ...world.log,
              ...document.audit.lines.filter((_, index) => first + index > world.log.length),
            ]
            return [undefined, "done"]
          }),
      },
      delivery,
      restarts: {
        restart: ({ name, reads: [target = ""] }) =>
          this.#act<true | string>(
            "disk",
            "restart",
            () => {
              world.programs = { ...world.programs, [name]: { ...world.files[target] } }
              world.excused = world.excused.filter((one) => one !== name)
              const answer = this.#healthy(name)
              return [answer, `${name} ${answer}`]
            },
            { failsWith: () => this.#refuse(name) },
          ),
        healthy: ({ name }) => Promise.resolve(this.#healthy(name)),
      },
      onProgress: () => undefined,
      stop: new AbortController().signal,
      forceStop: new AbortController().signal,
      serverOf: (name) => (members[name]?.kind === "none" ? undefined : name),
      withServerSlot: (_, act) => act(),
    }
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return
    const ended = new Promise<void>((resolve) =>
      signal?.addEventListener("abort", () => {
        const act = this.waiting.find(({ kind }) => kind === "pause")
        if (act !== undefined) this.#leave(act)
        resolve()
      }),
    )
    await Promise.race([ended, this.#act("clock", "pause", () => [undefined, "over"])])
  }
}

/** A refusal is an answer too: the process sees it as a throw. */
function attempted(
  effect: () => readonly [undefined, string],
): readonly [(() => undefined) | undefined, string] {
  try {
    return effect()
  } catch (error) {
    return [
      () => {
        throw error
      },
      "refused",
    ]
  }
}

const vault: Vault = {
  seal: (_, credential: Credential) => Promise.resolve(sealed(credential)),
  open: (_, version) => Promise.resolve(opened(version)),
  sealBytes: (_, bytes) => Promise.resolve(Buffer.from(bytes).toString()),
  openBytes: (_, text) => Promise.resolve(Buffer.from(text)),
  fingerprint: (bytes) => Buffer.from(bytes).toString(),
}
