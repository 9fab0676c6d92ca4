import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto"
import { readToken, makeToken } from "./json-web-token.ts"

/**
 * Where Google gives out tokens (OAuth, the token service, IAM credentials, the metadata server), as its documentation
 * describes them: the part of strict-google.ts that logs in.
 */

export type GoogleAsked = {
  readonly method: string
  readonly host: string
  readonly url: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}
export type GoogleSaid = {
  readonly status: number
  readonly body: object | string
  readonly headers?: Readonly<Record<string, string>>
}
export class GoogleRefusal extends Error {
  readonly said: GoogleSaid
  constructor(status: number, body: object) {
    super(JSON.stringify(body))
    this.said = { status, body }
  }
}

const scope = "https://www.googleapis.com/auth/cloud-platform"
const lives = 3600
const clockSeconds = 300

const rsa = () =>
  generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })

export class GoogleLogins {
  readonly project = "shop-prod"
  readonly email = `mycelium@${this.project}.iam.gserviceaccount.com`
  readonly machine = `machine@${this.project}.iam.gserviceaccount.com`
  readonly target = `rotator@${this.project}.iam.gserviceaccount.com`
  readonly user = "ada@shop.test"
  readonly keyId = randomBytes(20).toString("hex")
  readonly key = rsa()
  readonly client = {
    id: `${randomBytes(6).toString("hex")}.apps.googleusercontent.com`,
    secret: `GOCSPX-${randomBytes(12).toString("hex")}`,
    refresh: `1//${randomBytes(16).toString("hex")}`,
  }
  readonly cluster = rsa()
  readonly pool =
    "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/shop/providers/cluster"
  readonly subject = "system:serviceaccount:shop:mycelium"
  /** Who may act as the target. */
  readonly creators = new Set<string>([this.email, `principal:${this.subject}`, this.user])
  readonly tokens = new Map<string, { readonly who: string; readonly endsMs: number }>()
  now: () => Date = () => new Date()

  /** Ends every token that was given out. */
  endAll(): void {
    this.tokens.clear()
  }

  get serviceAccountFile(): object {
    return {
      type: "service_account",
      project_id: this.project,
      private_key_id: this.keyId,
      private_key: this.key.privateKey,
      client_email: this.email,
      client_id: "1",
      token_uri: "https://oauth2.googleapis.com/token",
      universe_domain: "googleapis.com",
    }
  }
  get userFile(): object {
    const { id, secret, refresh } = this.client
    return { type: "authorized_user", client_id: id, client_secret: secret, refresh_token: refresh }
  }
  get impersonationFile(): object {
    return {
      type: "impersonated_service_account",
      service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${this.target}:generateAccessToken`,
      source_credentials: this.userFile,
      delegates: [],
    }
  }
  /** `credential_source`: where the cluster's token is; with `as`, it acts as the target then. */
  federationFile(source: object, as?: "target"): object {
    return {
      type: "external_account",
      audience: this.pool,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: source,
      ...(as === undefined
        ? {}
        : {
            service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${this.target}:generateAccessToken`,
          }),
    }
  }
  federatedToken(more: Readonly<Record<string, unknown>> = {}): string {
    const at = this.#seconds()
    const claims = {
      iss: "https://oidc.cluster.test",
      sub: this.subject,
      aud: [`https:${this.pool}`],
    }
    return makeToken({ ...claims, iat: at, exp: at + lives, ...more }, this.cluster.privateKey)
  }

  /** undefined: this is no place where logins are made. */
  said(asked: GoogleAsked): GoogleSaid | undefined {
    const path = asked.url.replace(/\?.*$/, "")
    const route = `${asked.method} ${asked.host}${path}`
    if (path.startsWith("/computeMetadata/")) return this.#metadata(asked, path)
    if (route === "GET federation.test/token")
      return { status: 200, body: { token: this.federatedToken() } }
    if (route === "POST oauth2.googleapis.com/token") return this.#oauth(form(asked))
    if (route === "POST sts.googleapis.com/v1/token") return this.#exchange(form(asked))
    if (route === "POST oauth2.googleapis.com/tokeninfo") return this.#info(asked)
    if (asked.host === "iamcredentials.googleapis.com") return this.#impersonate(asked, path)
    return undefined
  }

  /** Who bears this token; undefined where nobody does. */
  bearer(header: unknown): string | undefined {
    const held = this.tokens.get(String(header).replace(/^Bearer /, ""))
    return held !== undefined && held.endsMs > this.now().getTime() ? held.who : undefined
  }

  #seconds(): number {
    return Math.floor(this.now().getTime() / 1000)
  }
  #give(who: string): { access_token: string; expires_in: number; token_type: string } {
    const token = `ya29.${randomBytes(24).toString("base64url")}`
    this.tokens.set(token, { who, endsMs: this.now().getTime() + lives * 1000 })
    return { access_token: token, expires_in: lives, token_type: "Bearer" }
  }

  #metadata({ method, headers, url }: GoogleAsked, path: string): GoogleSaid {
    const flavor = { "metadata-flavor": "Google" }
    if (method !== "GET" || headers["metadata-flavor"] !== "Google")
      return { status: 403, body: "", headers: { "content-type": "text/html" } }
    const base = "/computeMetadata/v1/instance/service-accounts/default"
    if (path === `${base}/token`) {
      const asked = new URL(url, "http://here").searchParams.get("scopes")
      if (asked !== scope) return { status: 400, body: "wrong scopes", headers: flavor }
      return { status: 200, body: this.#give(this.machine), headers: flavor }
    }
    if (path === `${base}/email`)
      return {
        status: 200,
        body: this.machine,
        headers: { ...flavor, "content-type": "text/plain" },
      }
    return { status: 404, body: "", headers: flavor }
  }

  #oauth(asked: URLSearchParams): GoogleSaid {
    if (asked.get("grant_type") === "refresh_token") {
      const { id, secret, refresh } = this.client
      if (asked.get("client_id") !== id || asked.get("client_secret") !== secret)
        throw oauthRefusal("invalid_client", "The OAuth client was not found.", 401)
      if (asked.get("refresh_token") !== refresh)
        throw oauthRefusal("invalid_grant", "Token has been expired or revoked.")
      return { status: 200, body: { ...this.#give(this.user), scope } }
    }
    if (asked.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer")
      throw oauthRefusal("unsupported_grant_type", "Invalid grant_type")
    const token = readToken(asked.get("assertion") ?? "")
    const claims = token?.claims ?? {}
    const [iat, exp] = [Number(claims["iat"]), Number(claims["exp"])]
    const at = this.#seconds()
    if (Math.abs(iat - at) > clockSeconds || exp - iat > lives || exp < at)
      throw oauthRefusal(
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
      )
    if (claims["iss"] !== this.email)
      throw oauthRefusal("invalid_grant", "Invalid grant: account not found")
    if (claims["aud"] !== "https://oauth2.googleapis.com/token" || claims["scope"] !== scope)
      throw oauthRefusal("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    if (
      token?.header["alg"] !== "RS256" ||
      (token.header["kid"] !== undefined && token.header["kid"] !== this.keyId) ||
      !token.isSignedBy(this.key.publicKey)
    )
      throw oauthRefusal("invalid_grant", "Invalid JWT Signature.")
    return { status: 200, body: this.#give(this.email) }
  }

  #exchange(asked: URLSearchParams): GoogleSaid {
    const type = "urn:ietf:params:oauth:token-type"
    if (
      asked.get("grant_type") !== "urn:ietf:params:oauth:grant-type:token-exchange" ||
      asked.get("requested_token_type") !== `${type}:access_token` ||
      asked.get("subject_token_type") !== `${type}:jwt` ||
      asked.get("scope") !== scope
    )
      throw oauthRefusal("invalid_request", "Invalid value for a parameter")
    if (asked.get("audience") !== this.pool)
      throw oauthRefusal(
        "invalid_target",
        "The target service indicated by the audience parameters is invalid.",
      )
    const token = readToken(asked.get("subject_token") ?? "")
    const { sub, exp, aud } = token?.claims ?? {}
    if (
      token?.isSignedBy(this.cluster.publicKey) !== true ||
      JSON.stringify(aud) !== JSON.stringify([`https:${this.pool}`]) ||
      Number(exp) < this.#seconds()
    )
      throw oauthRefusal("invalid_grant", "The ID Token provided is invalid")
    if (sub !== this.subject)
      throw oauthRefusal(
        "unauthorized_client",
        "The given credential is rejected by the attribute condition.",
      )
    const given = this.#give(`principal:${this.subject}`)
    return { status: 200, body: { ...given, issued_token_type: `${type}:access_token` } }
  }

  #impersonate(asked: GoogleAsked, path: string): GoogleSaid {
    const who = this.bearer(asked.headers["authorization"])
    if (
      asked.method !== "POST" ||
      path !== `/v1/projects/-/serviceAccounts/${this.target}:generateAccessToken`
    )
      throw apiRefusal(404, "NOT_FOUND", "Not found; Gaia id not found for email")
    if (who === undefined)
      throw apiRefusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    if (!this.creators.has(who))
      throw apiRefusal(
        403,
        "PERMISSION_DENIED",
        "Permission 'iam.serviceAccounts.getAccessToken' denied",
        "IAM_PERMISSION_DENIED",
      )
    const { scope: scopes } = JSON.parse(asked.body) as { scope?: unknown }
    if (JSON.stringify(scopes) !== JSON.stringify([scope]))
      throw apiRefusal(400, "INVALID_ARGUMENT", "scope")
    const { access_token: accessToken } = this.#give(this.target)
    const expireTime = new Date(this.now().getTime() + lives * 1000)
      .toISOString()
      .replace(/\.\d+/, "")
    return { status: 200, body: { accessToken, expireTime } }
  }

  #info({ headers }: GoogleAsked): GoogleSaid {
    const who = this.bearer(headers["authorization"])
    if (who === undefined) throw oauthRefusal("invalid_token", "Invalid Value")
    return {
      status: 200,
      body: { aud: this.client.id, scope, expires_in: String(lives), email: who },
    }
  }
}

function form({ headers, body }: GoogleAsked): URLSearchParams {
  if (!String(headers["content-type"]).startsWith("application/x-www-form-urlencoded"))
    throw oauthRefusal("invalid_request", "the body must be a form")
  return new URLSearchParams(body)
}

function oauthRefusal(error: string, description: string, status = 400): GoogleRefusal {
  return new GoogleRefusal(status, { error, error_description: description, id: randomUUID() })
}

export function apiRefusal(
  code: number,
  status: string,
  message: string,
  reason?: string,
): GoogleRefusal {
  const info = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason,
    domain: "googleapis.com",
  }
  return new GoogleRefusal(code, {
    error: { code, message, status, ...(reason === undefined ? {} : { details: [info] }) },
  })
}
