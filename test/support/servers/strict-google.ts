import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { makeAuthority } from "../certificates.ts"
import {
  apiRefusal,
  type GoogleAsked,
  GoogleLogins,
  GoogleRefusal,
  type GoogleSaid,
} from "./strict-google-logins.ts"
import { tunnelAll } from "./tunnel.ts"

/**
 * Google Secret Manager, and where Google gives out tokens, as Google's documentation describes them, strictly: a wrong
 * path, audience, scope, header, assertion or signature is refused. The emulators that can be had check none of that.
 * `proxy` leads each name of Google's here, for a program that trusts `authority`.
 */

type Version = { readonly data: Buffer; state: "ENABLED" | "DISABLED" | "DESTROYED" }

const projectNumber = "123456789012"

export class StrictGoogle implements AsyncDisposable {
  readonly logins = new GoogleLogins()
  readonly authority = makeAuthority()
  /** By "shop-prod/rotator", or "shop-prod/europe-west3/rotator". The last is the newest. */
  readonly secrets = new Map<string, Version[]>()
  readonly asked: GoogleAsked[] = []
  /** Answers of Secret Manager that come first. */
  readonly first: GoogleSaid[] = []
  /** With roles/secretmanager.secretAccessor. */
  readonly accessors = new Set<string>([
    this.logins.email,
    this.logins.machine,
    this.logins.target,
    this.logins.user,
    `principal:${this.logins.subject}`,
  ])
  /** The projects that requests may be counted to. */
  readonly payers = new Set<string>()
  /** A reason that refuses all: SERVICE_DISABLED. */
  forbids: string | undefined
  /** Makes the checksum wrong. */
  spoils = false
  readonly #plain = createServer((asked, answer) => void this.#answer(asked, answer))
  readonly #tls = createTlsServer(
    (({ certificate: cert, key }) => ({ cert, key }))(
      this.authority.issue([
        "localhost",
        "oauth2.googleapis.com",
        "sts.googleapis.com",
        "iamcredentials.googleapis.com",
        "federation.test",
      ]),
    ),
    (asked, answer) => void this.#answer(asked, answer),
  )

  /** What was asked for through it as a proxy. */
  readonly tunnelled = tunnelAll(this.#plain, () => (this.#tls.address() as AddressInfo).port)

  static async start(): Promise<StrictGoogle> {
    const strict = new StrictGoogle()
    for (const server of [strict.#plain, strict.#tls])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return strict
  }

  /** In clear: the API, the metadata server (which is so at Google), and a proxy. */
  get address(): string {
    return `http://127.0.0.1:${(this.#plain.address() as AddressInfo).port}`
  }
  get tlsAddress(): string {
    return `https://localhost:${(this.#tls.address() as AddressInfo).port}`
  }

  write(name: string, value: string | Buffer): Version[] {
    const versions = this.secrets.get(name) ?? []
    versions.push({ data: Buffer.from(value), state: "ENABLED" })
    this.secrets.set(name, versions)
    return versions
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { method = "", url = "", headers } = request
    const host = String(headers.host).replace(/:\d+$/, "")
    const {
      status,
      body,
      headers: more,
    } = this.#said({
      method,
      host,
      url,
      headers,
      body: Buffer.concat(parts).toString(),
    })
    answer.writeHead(status, {
      "content-type": "application/json; charset=UTF-8",
      date: this.logins.now().toUTCString(),
      ...more,
    })
    answer.end(typeof body === "string" ? body : JSON.stringify(body))
  }

  #said(asked: GoogleAsked): GoogleSaid {
    // A question that shows who listens.
    if (asked.url === "/") return { status: 404, body: {} }
    this.asked.push(asked)
    try {
      return this.logins.said(asked) ?? this.first.shift() ?? this.#access(asked)
    } catch (error) {
      if (error instanceof GoogleRefusal) return error.said
      throw error
    }
  }

  #access({ method, url, headers }: GoogleAsked): GoogleSaid {
    const who = this.logins.bearer(headers["authorization"])
    if (who === undefined)
      throw apiRefusal(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials.",
        "ACCESS_TOKEN_EXPIRED",
      )
    if (this.forbids !== undefined)
      throw apiRefusal(403, "PERMISSION_DENIED", "refused", this.forbids)
    const payer = headers["x-goog-user-project"]
    if (payer !== undefined && !this.payers.has(String(payer)))
      throw apiRefusal(
        403,
        "PERMISSION_DENIED",
        "Caller does not have required permission to use project",
        "USER_PROJECT_DENIED",
      )
    const [, project = "", location, secret = "", version = ""] =
      /^\/v1\/projects\/([\w:.-]+)(?:\/locations\/([a-z0-9-]+))?\/secrets\/([\w-]{1,255})\/versions\/([\w-]+):access$/.exec(
        url,
      ) ?? []
    if (method !== "GET" || secret === "")
      return {
        status: 404,
        body: "<html>not found</html>",
        headers: { "content-type": "text/html" },
      }
    if (!this.accessors.has(who))
      throw apiRefusal(
        403,
        "PERMISSION_DENIED",
        "Permission 'secretmanager.versions.access' denied",
        "IAM_PERMISSION_DENIED",
      )
    const key = [project, ...(location === undefined ? [] : [location]), secret].join("/")
    const versions = this.secrets.get(key)
    const base = `projects/${projectNumber}${location === undefined ? "" : `/locations/${location}`}/secrets/${secret}`
    if (versions === undefined || versions.length === 0)
      throw apiRefusal(404, "NOT_FOUND", `Secret [${base}] not found or has no versions.`)
    const number = version === "latest" ? versions.length : Number(version)
    const found = versions[number - 1]
    const name = `${base}/versions/${number}`
    if (found === undefined)
      throw apiRefusal(404, "NOT_FOUND", `Secret Version [${name}] not found.`)
    if (found.state !== "ENABLED")
      throw apiRefusal(
        400,
        "FAILED_PRECONDITION",
        `Secret Version [${name}] is in ${found.state} state.`,
      )
    const dataCrc32c = String(checksum(found.data) + (this.spoils ? 1 : 0))
    return {
      status: 200,
      body: { name, payload: { data: found.data.toString("base64"), dataCrc32c } },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#plain, this.#tls]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** CRC-32C bit by bit, apart from the one that is tested. */
function checksum(bytes: Buffer): number {
  let sum = 0xffffffffn
  for (const byte of bytes) {
    sum ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) sum = (sum >> 1n) ^ (sum % 2n === 1n ? 0x82f63b78n : 0n)
  }
  return Number(sum ^ 0xffffffffn)
}
