import { KeptInActivity } from "../../base/activity-scope.ts"
import { Listeners } from "../../core/listeners.ts"
import { endpointAt, type Endpoint } from "../drivers/server/endpoint.ts"
import { ask, hostHeader, type HttpAnswer } from "../drivers/server/http.ts"
import { patiently } from "../drivers/server/patience.ts"
import { type Credentials, findCredentials } from "./credentials.ts"
import { addressOf, type Service } from "./endpoint.ts"
import { type Call, faultOf, typeOf } from "./fault.ts"
import type { AwsOptions } from "./options.ts"
import type { AwsReach } from "./reach.ts"
import { signedHeaders } from "./signature.ts"

/** An operation, and what it is asked of. */
export type Question = Call & { readonly body: unknown }

type At = { readonly region: string; readonly aws: AwsOptions }

/** One identity at AWS, for all that asks there in a turn. */
export class AwsSession {
  readonly #profile: string | undefined
  readonly #reach: AwsReach
  #held: Promise<Credentials> | undefined

  constructor(profile: string | undefined, reach: AwsReach) {
    this.#profile = profile
    this.#reach = reach
  }

  /** For errors: "as AKIA…" says which key, where it is known. */
  get message(): string {
    return this.#profile === undefined ? "" : `, profile ${this.#profile}`
  }

  /** The answer of an operation of the JSON protocol; throws where it says no. */
  async ask(at: At, question: Question, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#answer(
      at,
      {
        service: question.service,
        type: "application/x-amz-json-1.1",
        target: `${question.service === "ssm" ? "AmazonSSM" : question.service}.${question.operation}`,
        text: JSON.stringify(question.body),
      },
      signal,
    )
    if (answer.status !== 200) throw faultOf(answer, question, this.#reach.host.now())
    try {
      return JSON.parse(answer.body)
    } catch {
      throw faultOf(answer, question, this.#reach.host.now())
    }
  }

  /** "arn:aws:iam::123456789012:user/rotator": needs no right. */
  async identity(at: At, signal: AbortSignal): Promise<string> {
    const call: Call = {
      service: "sts",
      operation: "GetCallerIdentity",
      message: `STS in ${at.region}`,
    }
    const answer = await this.#answer(
      at,
      {
        service: "sts",
        type: "application/x-www-form-urlencoded",
        text: "Action=GetCallerIdentity&Version=2011-06-15",
      },
      signal,
    )
    // XML or JSON, as the server likes.
    const [arn] = /arn:aws[a-z-]*:(iam|sts)::\d{12}:[\w+=,.@/:-]+/.exec(answer.body) ?? []
    if (answer.status !== 200 || arn === undefined)
      throw faultOf(answer, call, this.#reach.host.now())
    return arn
  }

  /**
   * AWS has done nothing where it throttles, or where the credentials have expired: it is asked
   * again, also for what is sent once.
   */
  async #answer(at: At, request: Request, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.#credentials(signal)
    const answer = await this.#patiently(at, request, first, signal)
    if (!typeOf(answer).startsWith("ExpiredToken")) return answer
    this.#held = undefined
    const fresh = await this.#credentials(signal)
    return fresh.keyId === first.keyId ? answer : this.#patiently(at, request, fresh, signal)
  }

  #credentials(signal: AbortSignal): Promise<Credentials> {
    const held = (this.#held ??= findCredentials(this.#profile, signal))
    held.catch(() => {
      if (this.#held === held) this.#held = undefined
    })
    return held
  }

  #patiently(
    at: At,
    request: Request,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const send = (): Promise<HttpAnswer> => this.#send(at, request, credentials, signal)
    return patiently({ send, isBusy: isThrottled, host: this.#reach.host }, signal)
  }

  async #send(
    { region, aws }: At,
    { service, type, target, text }: Request,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { isNamed, ...address } = addressOf(service, region, aws.endpoint)
    const endpoint: Endpoint = await endpointAt(
      address,
      {
        encrypted: address.tls,
        ...(isNamed ? { tls: aws.tls, listener: aws.listener } : {}),
      },
      { folder: this.#reach.folder, listeners: new Listeners() },
    )
    const host = hostHeader(address, address.tls)
    const at = this.#reach.host.now()
    const headers = await signedHeaders(
      { host, type, text, ...(target === undefined ? {} : { target }) },
      { service, region, credentials, at },
    )
    const login = { user: credentials.keyId, headers }
    return ask(endpoint, login, { method: "POST", path: "/", text, type }, signal)
  }
}

type Request = {
  readonly service: Service
  readonly type: string
  readonly target?: string
  readonly text: string
}

function isThrottled(answer: HttpAnswer): boolean {
  return (
    answer.status === 429 ||
    /^(Throttl|TooManyRequests|TooManyUpdates|RequestLimitExceeded)/.test(typeOf(answer))
  )
}

const kept = new KeptInActivity<AwsSession>()

/** That of the turn where a turn is under way, else a new one. */
export function sessionFor({ profile }: AwsOptions, reach: AwsReach): AwsSession {
  const key = JSON.stringify([reach.folder, profile])
  return kept.of(reach.activity, key, () => new AwsSession(profile, reach))
}
