import { resolve } from "node:path"
import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { Secret } from "../../core/secret.ts"
import type { HttpAnswer, HttpRequest } from "../drivers/server/http.ts"
import { bodyOf, faultOf, loginRefused, notUnderstood } from "./fault.ts"
import type { ServerOptions } from "./options.ts"
import type { VaultReach } from "./reach.ts"

/** `isOurs`: made by our own login, and ours to revoke. */
export type Token = {
  readonly token: Secret
  readonly isOurs: boolean
  /** How long (ms) it lives; left out: the server does not say, or without an end. */
  readonly livesMs?: number
  readonly isRenewable: boolean
}

/** Asks without a token. */
type Ask = (request: HttpRequest) => Promise<HttpAnswer>

const Answer = z.object({
  auth: z.object({
    client_token: z.string().regex(/^[!-~]{1,8192}$/),
    lease_duration: z.number().nonnegative().catch(0),
    renewable: z.boolean().catch(false),
  }),
})

export function methodOf({ auth }: ServerOptions): string {
  const [name = "token"] = Object.entries(auth).flatMap(([key, value]) =>
    value === undefined ? [] : [key],
  )
  return name
}

/** One login, by the way that the config names. */
export async function logIn(
  server: ServerOptions,
  reach: VaultReach,
  ask: Ask,
  message: string,
): Promise<Token> {
  const { auth } = server
  if (auth.token !== undefined) {
    const token = await reach.credential(auth.token)
    if (!/^[!-~]+$/.test(token.reveal()))
      throw new AppError("reference-not-text", "what server.auth.token names is no token", {
        hint: "a token is one word: vault token lookup shows whether it is one",
      })
    return { token, isOurs: false, isRenewable: false }
  }
  const { path, body, hint } = await requestFor(server, reach)
  const answer = await ask({ method: "POST", path, body })
  if (answer.status === 400 || answer.status === 401 || answer.status === 403)
    throw loginRefused(message, hint)
  return tokenIn(answer, message)
}

export function tokenIn(answer: HttpAnswer, message: string): Token {
  if (answer.status !== 200) throw faultOf(answer, message)
  const parsed = Answer.safeParse(bodyOf(answer, message))
  if (!parsed.success) throw notUnderstood(message)
  const { client_token, lease_duration, renewable } = parsed.data.auth
  return {
    token: new Secret("Vault's token", client_token),
    isOurs: true,
    isRenewable: renewable,
    ...(lease_duration === 0 ? {} : { livesMs: lease_duration * 1000 }),
  }
}

type Login = { readonly path: string; readonly body: unknown; readonly hint: string }

async function requestFor({ auth }: ServerOptions, reach: VaultReach): Promise<Login> {
  if (auth.approle !== undefined) {
    const { role_id, secret_id, mount } = auth.approle
    const secret = await reach.credential(secret_id)
    return {
      path: loginPath(mount),
      body: { role_id, secret_id: secret.reveal() },
      hint:
        "role_id or secret_id is wrong, used up or has expired: " +
        "vault write -f auth/approle/role/NAME/secret-id makes a secret_id",
    }
  }
  if (auth.kubernetes !== undefined) {
    const { role, token_file, mount } = auth.kubernetes
    const token = await reach.credential({ file: resolve(reach.folder, token_file) })
    return {
      path: loginPath(mount),
      body: { role, jwt: token.reveal() },
      hint:
        "the role must be bound to this service account and namespace: " +
        "vault read auth/kubernetes/role/NAME",
    }
  }
  if (auth.cert === undefined) throw new AppError("internal", "a way to log in that is none")
  const { role, mount } = auth.cert
  return {
    path: loginPath(mount),
    body: role === undefined ? {} : { name: role },
    hint:
      "the certificate must be of an authority, and by a name, that the role takes: " +
      "vault read auth/cert/certs/NAME",
  }
}

function loginPath(mount: string): string {
  return `/v1/auth/${encodePath(mount)}/login`
}

export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/")
}
