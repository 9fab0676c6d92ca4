import { KeptInActivity } from "../../base/activity-scope.ts"
import { Listeners } from "../../core/listeners.ts"
import type { Secret } from "../../core/secret.ts"
import { parseEndpoint } from "../drivers/server/api-endpoint.ts"
import { endpointAt } from "../drivers/server/endpoint.ts"
import { ask, type HttpAnswer, type HttpRequest } from "../drivers/server/http.ts"
import { patiently } from "../drivers/server/patience.ts"
import { faultOf, isThrottled } from "./fault.ts"
import { type Login, logIn } from "./login.ts"
import { googleId, type GooglePlace } from "./options.ts"
import type { GoogleReach } from "./reach.ts"

type Headers = Readonly<Record<string, Secret | string>>

/** One login at Google, for all that asks there in a turn. */
export class GoogleSession {
  readonly #project: string
  readonly #reach: GoogleReach
  #held: Promise<Login> | undefined

  constructor(project: string, reach: GoogleReach) {
    this.#project = project
    this.#reach = reach
  }

  /** As whom Google knows us, for people. */
  async identity(signal: AbortSignal): Promise<string> {
    return (await this.#login(signal)).identity(signal)
  }

  /**
   * The answer, whatever it says but one: 401 is said of a token that has ended, too, so it is
   * believed of a fresh login alone.
   */
  async ask(place: GooglePlace, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.#headers(signal)
    const answer = await this.#patiently(place, request, first, signal)
    if (answer.status !== 401) return answer
    this.#held = undefined
    const fresh = await this.#headers(signal)
    return isSame(first, fresh) ? answer : this.#patiently(place, request, fresh, signal)
  }

  /** What an answer that is no success means. */
  async fault(answer: HttpAnswer, place: GooglePlace, signal: AbortSignal): Promise<Error> {
    const { who } = await this.#login(signal)
    const message = `${googleId(place)} as ${who}`
    return faultOf(answer, { message, place }, this.#reach.host.now())
  }

  async #headers(signal: AbortSignal): Promise<Headers> {
    return (await this.#login(signal)).headers(signal)
  }

  #login(signal: AbortSignal): Promise<Login> {
    const login = (this.#held ??= logIn(this.#project, signal))
    // A login that fails is not kept.
    login.catch(() => {
      if (this.#held === login) this.#held = undefined
    })
    return login
  }

  #patiently(
    place: GooglePlace,
    request: HttpRequest,
    headers: Headers,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const send = (): Promise<HttpAnswer> => this.#send(place, request, headers, signal)
    return patiently({ send, isBusy: isThrottled, host: this.#reach.host }, signal)
  }

  async #send(
    { google, location }: GooglePlace,
    request: HttpRequest,
    headers: Headers,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const host =
      location === undefined
        ? "secretmanager.googleapis.com"
        : `secretmanager.${location}.rep.googleapis.com`
    const address =
      google.endpoint === undefined
        ? { host, port: 443, tls: true }
        : parseEndpoint(google.endpoint)
    const endpoint = await endpointAt(
      address,
      { encrypted: address.tls, tls: google.tls, listener: google.listener },
      { folder: this.#reach.folder, listeners: new Listeners() },
    )
    const { who } = await this.#login(signal)
    return ask(endpoint, { user: who, headers }, request, signal)
  }
}

function isSame(one: Headers, other: Headers): boolean {
  const [first, second] = [one["authorization"], other["authorization"]]
  return typeof first === "object" && typeof second === "object" && first.equals(second)
}

const kept = new KeptInActivity<GoogleSession>()

/** That of the turn where a turn is under way, else a new one. */
export function googleSession({ project }: GooglePlace, reach: GoogleReach): GoogleSession {
  const key = JSON.stringify([reach.folder])
  return kept.of(reach.activity, key, () => new GoogleSession(project, reach))
}
