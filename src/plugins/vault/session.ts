import { within } from "../../base/deadline.ts"
import type { ActivityScope } from "../../base/activity-scope.ts"
import type { VaultReach } from "./reach.ts"
import { Listeners } from "../../core/listeners.ts"
import type { Secret } from "../../core/secret.ts"
import { type Endpoint, endpointAt } from "../drivers/server/endpoint.ts"
import { ask, type HttpAnswer, type HttpRequest } from "../drivers/server/http.ts"
import { canonical, parseAddress } from "./address.ts"
import { secondsIn } from "./fault.ts"
import { logIn, methodOf, type Token, tokenIn } from "./login.ts"
import type { ServerOptions } from "./options.ts"

/** How often, and for how long (ms) at most, a server that throttles is waited for. */
const throttledTimes = 3
const longestWaitMs = 10_000
/** Our login is given back within this (ms), or lives to its end. */
const endMs = 3000

type Held = Token & { readonly since: number }

/** One login at one server, for all that asks there in a turn. */
export class VaultSession {
  readonly #server: ServerOptions
  readonly #reach: VaultReach
  #held: Promise<Held> | undefined
  #endpoint: Promise<Endpoint> | undefined

  constructor(server: ServerOptions, reach: VaultReach) {
    this.#server = server
    this.#reach = reach
  }

  /** How it logs in: "approle". */
  get method(): string {
    return methodOf(this.#server)
  }

  /** For errors: "at https://vault.internal:8200 as approle". */
  get message(): string {
    const { address, namespace } = this.#server
    const where = namespace === undefined ? "" : `, namespace ${namespace}`
    return `at ${canonical(address)}${where} as ${this.method}`
  }

  /**
   * The answer, whatever it says but one: 403 is said of a token that has expired, too, so it is
   * believed of a fresh login alone. A server that throttles has done nothing: it is asked again.
   */
  async ask(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.#current(signal)
    const answer = await this.#patiently(request, first, signal)
    if (answer.status !== 403) return answer
    const fresh = await this.#anew(first, signal)
    return fresh === undefined ? answer : this.#patiently(request, fresh, signal)
  }

  /** Gives back our login. Never throws. */
  async end(): Promise<void> {
    const held = await this.#held?.catch(() => undefined)
    this.#held = undefined
    if (held !== undefined) await this.#revoke(held)
  }

  async #current(signal: AbortSignal): Promise<Held> {
    const held = await (this.#held ??= this.#keep(this.#logIn(signal)))
    if (!this.#isOld(held)) return held
    this.#held = this.#keep(this.#renewed(held, signal))
    return this.#held
  }

  /** A login that fails is not kept. */
  #keep(login: Promise<Held>): Promise<Held> {
    login.catch(() => {
      if (this.#held === login) this.#held = undefined
    })
    return login
  }

  /** undefined where a login gives nothing new: a token of others that is the same as before. */
  async #anew(before: Held, signal: AbortSignal): Promise<Held | undefined> {
    const held = await this.#held?.catch(() => undefined)
    // Another of our requests may have logged in anew meanwhile.
    if (held !== undefined && held !== before) return held
    this.#held = this.#keep(this.#logIn(signal))
    const fresh = await this.#held
    return fresh.token.equals(before.token) ? undefined : fresh
  }

  async #logIn(signal: AbortSignal): Promise<Held> {
    const since = this.#now()
    const token = await logIn(
      this.#server,
      this.#reach,
      (request) => this.#send(request, undefined, signal),
      this.message,
    )
    return { ...token, since }
  }

  /** Past two thirds of its life. */
  #isOld({ livesMs, since }: Held): boolean {
    return livesMs !== undefined && this.#now() - since > (livesMs * 2) / 3
  }

  async #renewed(held: Held, signal: AbortSignal): Promise<Held> {
    const since = this.#now()
    if (held.isRenewable) {
      const path = "/v1/auth/token/renew-self"
      const answer = await this.#send({ method: "POST", path, body: {} }, held, signal)
      // It may have reached the end that no renewal moves.
      const renewed = answer.status === 200 ? tokenIn(answer, this.message) : undefined
      if (renewed !== undefined && !this.#isOld({ ...renewed, since: this.#now() }))
        return { ...renewed, since }
    }
    return this.#logIn(signal)
  }

  async #patiently(request: HttpRequest, held: Held, signal: AbortSignal): Promise<HttpAnswer> {
    const { host } = this.#reach
    for (let times = 1; ; times++) {
      const answer = await this.#send(request, held, signal)
      const waitMs = (secondsIn(answer.retryAfter) ?? times) * 1000
      if (
        answer.status !== 429 ||
        host === undefined ||
        times === throttledTimes ||
        waitMs > longestWaitMs
      )
        return answer
      await host.pause(waitMs, signal)
    }
  }

  async #send(
    request: HttpRequest,
    held: Held | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { address, namespace } = this.#server
    const headers: Record<string, string | Secret> = {
      // Asked of every request by a listener that wants to know a browser from a program.
      "x-vault-request": "true",
      ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      ...(held === undefined ? {} : { "x-vault-token": held.token }),
    }
    const place = parseAddress(address)
    this.#endpoint ??= endpointAt(
      place,
      { ...this.#server, encrypted: place.tls },
      { folder: this.#reach.folder, listeners: new Listeners() },
    )
    return ask(await this.#endpoint, { user: this.method, headers }, request, signal)
  }

  async #revoke(held: Held): Promise<void> {
    if (!held.isOurs) return
    const request = { method: "POST", path: "/v1/auth/token/revoke-self" } as const
    await within(endMs, (signal) => this.#send(request, held, signal)).catch(() => undefined)
  }

  #now(): number {
    return this.#reach.host?.monotonicMs() ?? 0
  }
}

const kept = new WeakMap<ActivityScope, Map<string, VaultSession>>()

/**
 * With the turn's login where a turn is under way, else with one of its own that is given back at
 * once.
 */
export async function withSession<T>(
  server: ServerOptions,
  reach: VaultReach,
  act: (session: VaultSession) => Promise<T>,
): Promise<T> {
  const { activity } = reach
  if (activity?.runs === true) return act(sessionIn(activity, server, reach))
  const session = new VaultSession(server, reach)
  try {
    return await act(session)
  } finally {
    await session.end()
  }
}

function sessionIn(
  activity: ActivityScope,
  server: ServerOptions,
  reach: VaultReach,
): VaultSession {
  const sessions = kept.get(activity) ?? newSessions(activity)
  const key = JSON.stringify([reach.folder, server])
  const session = sessions.get(key) ?? new VaultSession(server, reach)
  sessions.set(key, session)
  return session
}

function newSessions(activity: ActivityScope): Map<string, VaultSession> {
  const sessions = new Map<string, VaultSession>()
  kept.set(activity, sessions)
  activity.atEnd(async () => {
    const ended = [...sessions.values()]
    sessions.clear()
    await Promise.all(ended.map((session) => session.end()))
  })
  return sessions
}
