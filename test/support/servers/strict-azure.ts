import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { makeAuthority } from "../certificates.ts"
import { makeToken, readToken } from "./json-web-token.ts"
import {
  type AzureAsked,
  audience,
  entraAnswer,
  exchange,
  Refusal,
  type Said,
  tokenLivesSeconds,
} from "./strict-entra.ts"
import { tunnelAll } from "./tunnel.ts"

/**
 * Azure Key Vault, Microsoft Entra ID, App Service's and the virtual machine's identity endpoint, as Microsoft's
 * documentation describes them, strictly: a wrong path, version of the interface, audience, header, assertion or
 * signature is refused. No emulator of them can be had. What it does not know is in the manual (azure.md).
 */

export type AzureSecret = {
  /** The last is the newest. */
  readonly versions: {
    readonly id: string
    readonly value: string
    enabled: boolean
    exp?: number
  }[]
  deleted: boolean
}
const guid = (): string => randomUUID()

export class StrictAzure implements AsyncDisposable {
  readonly vaultName = `kv-${randomBytes(4).toString("hex")}`
  readonly tenant = guid()
  readonly client = guid()
  readonly clientSecret = `Cl~${randomBytes(12).toString("base64url")}`
  /** Of the application's service principal, and of the machine's identity. */
  readonly object = guid()
  readonly machineObject = guid()
  readonly machineClient = guid()
  readonly identityHeader = randomBytes(12).toString("hex")
  readonly authority = makeAuthority()
  /** That of the application. */
  readonly certificate = this.authority.issue(["mycelium"], "rsa")
  /** What a cluster signs its service accounts' tokens with. */
  readonly cluster = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })
  readonly clusterIssuer = "https://oidc.cluster.test/"
  readonly clusterSubject = "system:serviceaccount:shop:mycelium"
  readonly secrets = new Map<string, AzureSecret>()
  readonly asked: AzureAsked[] = []
  /** Objects with the role Key Vault Secrets User. */
  readonly readers = new Set<string>([this.object, this.machineObject])
  /** Answers that come first. */
  readonly first: Said[] = []
  /** The vault's own tenant; that of logins, unless it moves. */
  vaultTenant = this.tenant
  challengeResource = audience
  challengeAuthority: string | undefined
  /** Its clock; ours may differ. */
  now: () => Date = () => new Date()
  /** Codes of a vault that refuses all: ForbiddenByFirewall. */
  forbids: string | undefined
  readonly #keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })
  readonly #plain = createServer((asked, answer) => void this.#answer(asked, answer))
  readonly #tls = createTlsServer(
    (({ certificate: cert, key }) => ({ cert, key }))(this.authority.issue(["localhost"])),
    (asked, answer) => void this.#answer(asked, answer),
  )

  /** What was asked for through it as a proxy. */
  readonly tunnelled = tunnelAll(this.#plain, () => (this.#tls.address() as AddressInfo).port)

  static async start(): Promise<StrictAzure> {
    const strict = new StrictAzure()
    for (const server of [strict.#plain, strict.#tls])
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return strict
  }

  /** In clear: the vault, and the identity endpoints, which are so at Azure. */
  get address(): string {
    return `http://127.0.0.1:${(this.#plain.address() as AddressInfo).port}`
  }
  /** With TLS: the vault, and logins. */
  get tlsAddress(): string {
    return `https://localhost:${(this.#tls.address() as AddressInfo).port}`
  }

  write(name: string, value: string, exp?: number): AzureSecret {
    const secret = this.secrets.get(name) ?? { versions: [], deleted: false }
    const id = randomBytes(16).toString("hex")
    secret.versions.push({ id, value, enabled: true, ...(exp === undefined ? {} : { exp }) })
    this.secrets.set(name, secret)
    return secret
  }

  /** As Entra ID makes one: for the audience, of the tenant. */
  token(more: Readonly<Record<string, unknown>> = {}): string {
    const at = Math.floor(this.now().getTime() / 1000)
    return makeToken(
      {
        aud: audience,
        iss: `https://sts.windows.net/${this.tenant}/`,
        iat: at,
        nbf: at,
        exp: at + tokenLivesSeconds,
        tid: this.tenant,
        oid: this.object,
        appid: this.client,
        ...more,
      },
      this.#keys.privateKey,
    )
  }

  /** A service account's, as a cluster projects it into a file. */
  federatedToken(more: Readonly<Record<string, unknown>> = {}): string {
    const at = Math.floor(this.now().getTime() / 1000)
    return makeToken(
      {
        iss: this.clusterIssuer,
        sub: this.clusterSubject,
        aud: [exchange],
        iat: at,
        exp: at + tokenLivesSeconds,
        ...more,
      },
      this.cluster.privateKey,
    )
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { method = "", url = "", headers } = request
    const asked = { method, url, headers, body: Buffer.concat(parts).toString() }
    const { status, body, headers: more } = this.#said(asked)
    answer.writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      date: this.now().toUTCString(),
      ...more,
    })
    answer.end(JSON.stringify(body))
  }

  #said(asked: AzureAsked): Said {
    // A question that shows who listens.
    if (asked.url === "/") return { status: 404, body: {} }
    this.asked.push(asked)
    try {
      const url = new URL(asked.url, "http://here")
      const [, root = "", ...rest] = url.pathname.split("/")
      if (root === this.tenant) return entraAnswer(this, asked, rest.join("/"))
      if (url.pathname === "/msi/token") return this.#appService(asked, url)
      // A slash follows where AZURE_POD_IDENTITY_AUTHORITY_HOST names the machine's endpoint: MSAL writes it so.
      if (/^\/metadata\/identity\/oauth2\/token\/?$/.test(url.pathname))
        return this.#machine(asked, url)
      const said = this.first.shift()
      return said ?? this.#vault(asked, url)
    } catch (error) {
      if (error instanceof Refusal) return error.said
      throw error
    }
  }

  #appService({ method, headers }: AzureAsked, { searchParams }: URL): Said {
    if (method !== "GET" || headers["x-identity-header"] !== this.identityHeader)
      throw new Refusal(401, { statusCode: 401, message: "wrong X-IDENTITY-HEADER" })
    if (searchParams.get("api-version") !== "2019-08-01")
      throw new Refusal(400, { statusCode: 400, message: "wrong api-version" })
    return this.#machineToken(searchParams)
  }

  /** Without the header it is a page of a browser that asks. */
  #machine({ method, headers }: AzureAsked, { searchParams }: URL): Said {
    if (method !== "GET" || headers["metadata"] !== "true")
      throw new Refusal(400, {
        error: "invalid_request",
        error_description: "Required metadata header not specified",
      })
    if (searchParams.get("api-version") !== "2018-02-01")
      throw new Refusal(400, {
        error: "bad_request_102",
        error_description: "Required api-version is wrong",
      })
    return this.#machineToken(searchParams)
  }

  #machineToken(asked: URLSearchParams): Said {
    if (asked.get("resource") !== audience)
      throw new Refusal(400, {
        error: "invalid_resource",
        error_description: "AADSTS500011: not found",
      })
    const client = asked.get("client_id")
    if (client !== null && client !== this.machineClient)
      throw new Refusal(400, { error: "invalid_request", error_description: "Identity not found" })
    const ends = Math.floor(this.now().getTime() / 1000) + tokenLivesSeconds
    return {
      status: 200,
      body: {
        access_token: this.token({
          oid: this.machineObject,
          appid: this.machineClient,
          xms_mirid: `/subscriptions/${guid()}/resourcegroups/shop`,
        }),
        client_id: this.machineClient,
        expires_in: String(tokenLivesSeconds),
        expires_on: String(ends),
        resource: audience,
        token_type: "Bearer",
      },
    }
  }

  #vault({ method, headers }: AzureAsked, url: URL): Said {
    const claims = this.#bearer(String(headers["authorization"] ?? ""))
    if (this.forbids !== undefined) throw this.#forbidden(this.forbids)
    const version = url.searchParams.get("api-version")
    if (version !== "7.4" || [...url.searchParams].length !== 1)
      throw new Refusal(400, {
        error: { code: "BadParameter", message: "The specified version is not recognized" },
      })
    const [, kind, name = ""] =
      /^\/(secrets|deletedsecrets)\/([0-9a-zA-Z-]{1,127})$/.exec(url.pathname) ?? []
    if (method !== "GET" || kind === undefined)
      throw new Refusal(405, { error: { code: "MethodNotAllowed", message: "no such operation" } })
    if (!this.readers.has(String(claims["oid"]))) throw this.#forbidden("ForbiddenByRbac")
    const secret = [...this.secrets].find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1]
    if (kind === "deletedsecrets") {
      if (secret?.deleted !== true) throw notFound(name)
      const scheduledPurgeDate = Math.floor(this.now().getTime() / 1000) + 90 * 86_400
      return {
        status: 200,
        body: { id: this.#id(name, ""), recoveryId: this.#id(name, ""), scheduledPurgeDate },
      }
    }
    const newest = secret?.versions.at(-1)
    if (secret === undefined || secret.deleted || newest === undefined) throw notFound(name)
    if (!newest.enabled) throw this.#forbidden("SecretDisabled")
    const { exp, value, id } = newest
    return {
      status: 200,
      body: {
        value,
        id: this.#id(name, id),
        attributes: {
          enabled: true,
          created: 1,
          updated: 1,
          recoveryLevel: "Recoverable+Purgeable",
          ...(exp === undefined ? {} : { exp }),
        },
      },
    }
  }

  #id(name: string, version: string): string {
    return `https://${this.vaultName}.vault.azure.net/secrets/${name}/${version}`
  }

  #bearer(header: string): Readonly<Record<string, unknown>> {
    const token = readToken(header.replace(/^Bearer /, ""))
    if (!header.startsWith("Bearer ") || token === undefined)
      throw this.#challenge("AKV10000: Request is missing a Bearer or PoP token.")
    const { claims } = token
    if (!token.isSignedBy(this.#keys.publicKey)) throw this.#challenge("AKV10020: signature")
    if (claims["aud"] !== audience) throw this.#challenge("AKV10022: Invalid audience.")
    if (claims["tid"] !== this.vaultTenant) throw this.#challenge("AKV10032: Invalid issuer.")
    if (Number(claims["exp"]) < this.now().getTime() / 1000)
      throw this.#challenge("AKV10070: the token has expired")
    return claims
  }

  #challenge(why: string): Refusal {
    const authority = this.challengeAuthority ?? "https://login.microsoftonline.com"
    return new Refusal(
      401,
      { error: { code: "Unauthorized", message: why } },
      {
        "www-authenticate": `Bearer authorization="${authority}/${this.vaultTenant}", resource="${this.challengeResource}", error="invalid_token", error_description="${why}"`,
      },
    )
  }

  #forbidden(code: string): Refusal {
    const message = `${code}. Caller: appid=${this.client};oid=${this.object}`
    return new Refusal(403, { error: { code: "Forbidden", message, innererror: { code } } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#plain, this.#tls]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

function notFound(name: string): Refusal {
  const message = `A secret with (name/id) ${name} was not found in this key vault.`
  return new Refusal(404, { error: { code: "SecretNotFound", message } })
}
