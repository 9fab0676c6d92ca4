import { KeptInActivity } from "../../base/activity-scope.ts"
import { Listeners } from "../../core/listeners.ts"
import { endpointAt } from "../drivers/server/endpoint.ts"
import { parseEndpoint } from "../drivers/server/api-endpoint.ts"
import { ask, type HttpAnswer, type HttpRequest } from "../drivers/server/http.ts"
import { patiently } from "../drivers/server/patience.ts"
import { sayIdentity } from "./claims.ts"
import { type Asked, faultOf, isThrottled } from "./fault.ts"
import { logIn, loginHost, type Token } from "./login.ts"
import { type AzureOptions, type AzurePlace, azureId } from "./options.ts"
import type { AzureReach } from "./reach.ts"
import { type Cloud, hostOf } from "./vault-name.ts"

/** A token that ends sooner is not begun with. */
const restMs = 60_000

/** One login at Azure, for all that asks there in a turn. */
export class AzureSession {
  readonly #cloud: Cloud
  readonly #azure: AzureOptions
  readonly #reach: AzureReach
  #held: Promise<Token> | undefined

  constructor(cloud: Cloud, azure: AzureOptions, reach: AzureReach) {
    this.#cloud = cloud
    this.#azure = azure
    this.#reach = reach
  }

  /** As whom Azure knows us, for people. */
  async identity(signal: AbortSignal): Promise<string> {
    return sayIdentity((await this.#token(signal)).claims)
  }

  /**
   * The answer, whatever it says but one: 401 is said of a token that has ended, too, so it is
   * believed of a fresh login alone.
   */
  async ask(place: AzurePlace, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.#token(signal)
    const answer = await this.#patiently(place, request, first, signal)
    if (answer.status !== 401) return answer
    this.#held = undefined
    const fresh = await this.#token(signal)
    return fresh.header.equals(first.header)
      ? answer
      : this.#patiently(place, request, fresh, signal)
  }

  /** What an answer that is no success means. */
  async fault(answer: HttpAnswer, place: AzurePlace, signal: AbortSignal): Promise<Error> {
    const { claims } = await this.#token(signal)
    const asked: Asked = {
      message: `${azureId(place)} as ${sayIdentity(claims)}`,
      vault: place.vault,
      logins: [this.#cloud.login, loginHost(this.#cloud, this.#reach)],
      ...(claims.tid === undefined ? {} : { tenant: claims.tid.toLowerCase() }),
    }
    return faultOf(answer, asked, this.#reach.host.now())
  }

  async #token(signal: AbortSignal): Promise<Token> {
    const held = await this.#held
    if (held !== undefined && held.endsMs - this.#reach.host.now().getTime() > restMs) return held
    const login = logIn(this.#cloud, this.#azure, this.#reach, signal)
    this.#held = login
    // A login that fails is not kept.
    login.catch(() => {
      if (this.#held === login) this.#held = undefined
    })
    return login
  }

  #patiently(
    place: AzurePlace,
    request: HttpRequest,
    token: Token,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const send = (): Promise<HttpAnswer> => this.#send(place, request, token, signal)
    return patiently({ send, isBusy: isThrottled, host: this.#reach.host }, signal)
  }

  async #send(
    { vault, azure }: AzurePlace,
    request: HttpRequest,
    token: Token,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const address =
      azure.endpoint === undefined
        ? { host: hostOf(vault), port: 443, tls: true }
        : parseEndpoint(azure.endpoint)
    const endpoint = await endpointAt(
      address,
      { encrypted: address.tls, tls: azure.tls, listener: azure.listener },
      { folder: this.#reach.folder, listeners: new Listeners() },
    )
    const login = { user: sayIdentity(token.claims), headers: { authorization: token.header } }
    return ask(endpoint, login, request, signal)
  }
}

const kept = new KeptInActivity<AzureSession>()

/** That of the turn where a turn is under way, else a new one. */
export function azureSession({ vault, azure }: AzurePlace, reach: AzureReach): AzureSession {
  const { tenant, client } = azure
  const key = JSON.stringify([reach.folder, vault.cloud.suffix, tenant, client])
  return kept.of(reach.activity, key, () => new AzureSession(vault.cloud, azure, reach))
}
