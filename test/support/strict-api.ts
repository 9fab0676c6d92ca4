import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { authorization, type KeyPair } from "./servers/moto.ts"

/**
 * A service of AWS as its documentation describes it, for what moto does not enforce: five minutes of a signature, throttling,
 * rights, answers that are lost, requests that come late. What it does is in the classes that extend it.
 */

export type StrictAsked = {
  readonly operation: string
  readonly body: Readonly<Record<string, unknown>>
}
type Said = {
  readonly status: number
  readonly body: object
  readonly headers?: Record<string, string>
}

export const strictAccount = "210987654321"
export const strictRegion = "eu-west-3"
const signatureLivesMs = 5 * 60_000

export class Refusal extends Error {
  readonly type: string
  readonly status: number
  constructor(type: string, message: string, status = 400) {
    super(message)
    this.type = type
    this.status = status
  }
}

export abstract class StrictApi implements AsyncDisposable {
  readonly keys: KeyPair = {
    keyId: "AKIASTRICTSTRICT0000",
    key: crypto.randomUUID(),
    user: "strict",
  }
  /** As signatures and policies name it. */
  abstract readonly service: string
  readonly asked: StrictAsked[] = []
  /** Its clock; ours may differ. */
  now: () => Date = () => new Date()
  /** How many of the next requests are throttled. */
  throttles = 0
  retryAfter: string | undefined
  /** Operations that the policy does not permit. */
  readonly denied = new Set<string>()
  /** Of the request that is asked `lost` requests from now: it is done, and its answer does not come. */
  loses: (asked: StrictAsked) => boolean = () => false
  /** Held back: it is done later, when `release` is called. Its answer does not come. */
  delays: (asked: StrictAsked) => boolean = () => false
  /** Comes before this request is carried out: another program at work. */
  before: (asked: StrictAsked) => void = () => undefined
  readonly #late: (() => void)[] = []
  readonly #server = createServer((asked, answer) => void this.#answer(asked, answer))

  protected abstract do(operation: string, body: StrictAsked["body"]): object

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return this
  }

  /** Nothing is in its way any more. */
  reset(): void {
    this.asked.length = 0
    this.denied.clear()
    this.loses = this.delays = () => false
    this.before = () => undefined
    this.now = () => new Date()
    this.throttles = 0
    this.retryAfter = undefined
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What was held back is done now. */
  release(): void {
    for (const act of this.#late.splice(0)) act()
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString()
    const send = ({ status, body, headers = {} }: Said): void => {
      answer.writeHead(status, {
        "content-type": "application/x-amz-json-1.1",
        date: this.now().toUTCString(),
        ...headers,
      })
      answer.end(JSON.stringify(body))
    }
    // A question that shows who listens.
    if (request.method === "GET") return send({ status: 404, body: {} })
    const operation =
      String(request.headers["x-amz-target"] ?? "").replace(/^.*\./, "") || "GetCallerIdentity"
    const asked = {
      operation,
      body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {},
    }
    this.asked.push(asked)
    if (this.delays(asked)) {
      this.#late.push(() => void this.#said(request, text, asked))
      return void request.socket.destroy()
    }
    const said = this.#said(request, text, asked)
    if (this.loses(asked)) return void request.socket.destroy()
    send(said)
  }

  #said(request: IncomingMessage, text: string, { operation, body }: StrictAsked): Said {
    try {
      if (this.throttles > 0) {
        this.throttles--
        throw new Refusal("ThrottlingException", "Rate exceeded")
      }
      this.#checkSignature(request, text, operation)
      if (this.denied.has(operation))
        throw new Refusal(
          "AccessDeniedException",
          `User: arn:aws:iam::${strictAccount}:user/strict is not authorized to perform: ${this.service}:${operation} because no identity-based policy allows the ${this.service}:${operation} action`,
        )
      if (operation === "GetCallerIdentity") return { status: 200, body: identity }
      this.before({ operation, body })
      return { status: 200, body: this.do(operation, body) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return {
        status: error.status,
        body: { __type: error.type, Message: error.message },
        ...(this.retryAfter === undefined ? {} : { headers: { "retry-after": this.retryAfter } }),
      }
    }
  }

  #checkSignature({ headers }: IncomingMessage, text: string, operation: string): void {
    const said = String(headers["authorization"])
    const [, keyId = "", region = "", service = "", list = ""] =
      /Credential=(\w+)\/\d{8}\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+)/.exec(
        said,
      ) ?? []
    if (keyId !== this.keys.keyId)
      throw new Refusal(
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
      )
    for (const name of ["host", "x-amz-date"])
      if (!list.split(";").includes(name))
        throw new Refusal("IncompleteSignatureException", `${name} is not signed`)
    if (
      region !== strictRegion ||
      service !== (operation === "GetCallerIdentity" ? "sts" : this.service)
    )
      throw new Refusal(
        "InvalidSignatureException",
        "Credential should be scoped to a valid region.",
      )
    const time = String(headers["x-amz-date"])
    const signed = Object.fromEntries(list.split(";").map((name) => [name, String(headers[name])]))
    if (authorization({ headers: signed, text, time, service, region }, this.keys) !== said)
      throw new Refusal(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
      )
    const at = Date.parse(time.replace(/^(....)(..)(..T..)(..)/, "$1-$2-$3:$4:"))
    const off = this.now().getTime() - at
    if (off > signatureLivesMs)
      throw new Refusal(
        "InvalidSignatureException",
        `Signature expired: ${time} is now earlier than …`,
      )
    if (off < -signatureLivesMs)
      throw new Refusal(
        "InvalidSignatureException",
        `Signature not yet current: ${time} is still later than …`,
      )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const identity = {
  GetCallerIdentityResponse: {
    GetCallerIdentityResult: { Arn: `arn:aws:iam::${strictAccount}:user/strict` },
  },
}
