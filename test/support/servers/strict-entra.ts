import { createHash, randomUUID, X509Certificate } from "node:crypto"
import { readToken } from "./json-web-token.ts"

/** Logins at Microsoft Entra ID, as its documentation describes them: the part of strict-azure.ts that gives out tokens. */

export type AzureAsked = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}
export type Said = {
  readonly status: number
  readonly body: object
  readonly headers?: Record<string, string>
}

/** An application that may log in, and by what. */
type Application = {
  readonly tenant: string
  readonly client: string
  readonly clientSecret: string
  readonly certificate: { readonly certificate: string }
  readonly clusterIssuer: string
  readonly clusterSubject: string
  readonly cluster: { readonly publicKey: string }
  token(): string
  now(): Date
}

export const audience = "https://vault.azure.net"
export const exchange = "api://AzureADTokenExchange"
export const tokenLivesSeconds = 3600

export class Refusal extends Error {
  readonly said: Said
  constructor(status: number, body: object, headers: Record<string, string> = {}) {
    super(JSON.stringify(body))
    this.said = { status, body, headers }
  }
}

/** What Entra ID says below the tenant's path. */
export function entraAnswer(
  app: Application,
  { method, headers, body }: AzureAsked,
  path: string,
): Said {
  const base = `https://${String(headers["host"])}/${app.tenant}`
  if (method === "GET" && path === "v2.0/.well-known/openid-configuration")
    return {
      status: 200,
      body: {
        issuer: `${base}/v2.0`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      },
    }
  if (method !== "POST" || path !== "oauth2/v2.0/token") throw new Refusal(404, {})
  if (!String(headers["content-type"]).startsWith("application/x-www-form-urlencoded"))
    throw entraRefusal(900144, "The request body must be a form")
  const form = new URLSearchParams(body)
  if (form.get("grant_type") !== "client_credentials")
    throw entraRefusal(70003, "unsupported grant type")
  if (form.get("scope") !== `${audience}/.default`)
    throw entraRefusal(500011, `The resource principal named ${form.get("scope")} was not found`)
  if (form.get("client_id") !== app.client)
    throw entraRefusal(700016, "Application with identifier was not found in the directory")
  const assertion = form.get("client_assertion")
  if (assertion === null) {
    if (form.get("client_secret") !== app.clientSecret)
      throw entraRefusal(7000215, "Invalid client secret provided.")
  } else {
    if (
      form.get("client_assertion_type") !== "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    )
      throw entraRefusal(900144, "client_assertion_type is wrong")
    checkAssertion(app, assertion, `${base}/oauth2/v2.0/token`)
  }
  const token = {
    token_type: "Bearer",
    expires_in: tokenLivesSeconds,
    access_token: app.token(),
  }
  return { status: 200, body: { ...token, ext_expires_in: tokenLivesSeconds } }
}

/** Of the application's certificate, or of the cluster that it trusts. */
function checkAssertion(app: Application, assertion: string, tokenEndpoint: string): void {
  const token = readToken(assertion)
  const header = token?.header ?? {}
  const claims = token?.claims ?? {}
  const at = app.now().getTime() / 1000
  const late = Number(claims["exp"]) < at - 300 || Number(claims["nbf"] ?? 0) > at + 300
  if (late) throw entraRefusal(700024, "Client assertion is not within its valid time range.")
  if (claims["iss"] === app.client) {
    const thumbprint = createHash("sha256")
      .update(new X509Certificate(app.certificate.certificate).raw)
      .digest("base64url")
    const isOk =
      claims["sub"] === app.client &&
      claims["aud"] === tokenEndpoint &&
      header["x5t#S256"] === thumbprint &&
      typeof claims["jti"] === "string" &&
      token?.isSignedBy(
        new X509Certificate(app.certificate.certificate).publicKey.export({
          type: "spki",
          format: "pem",
        }) as string,
      )
    if (isOk !== true)
      throw entraRefusal(700027, "The certificate with identifier used to sign is not registered")
    return
  }
  if (claims["sub"] !== app.clusterSubject)
    throw entraRefusal(700213, "No matching federated identity record found for presented subject")
  const isOk =
    claims["iss"] === app.clusterIssuer &&
    JSON.stringify(claims["aud"]) === JSON.stringify([exchange]) &&
    token?.isSignedBy(app.cluster.publicKey)
  if (isOk !== true) throw entraRefusal(70021, "No matching federated identity record found")
}

function entraRefusal(number: number, message: string): Refusal {
  return new Refusal(number === 700016 ? 400 : 401, {
    error: "invalid_client",
    error_description: `AADSTS${number}: ${message} Trace ID: ${randomUUID()}`,
    error_codes: [number],
  })
}
