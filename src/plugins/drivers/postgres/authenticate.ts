import { AppError } from "../../../base/error.ts"
import type { Channel } from "../server/channel.ts"
import type { Secret } from "../../../core/secret.ts"
import {
  malformed,
  type Message,
  readAuthentication,
  readSqlstate,
  saslInitial,
  saslResponse,
  texts,
} from "./message.ts"
import { isGone } from "../server/listener.ts"
import { answer, clientFirst, mechanism } from "./scram.ts"
import { isMissingRole, isRefusedPassword, ServerError } from "./server-error.ts"

/**
 * What the server wanted to know before it let us in. "nothing": trust, peer or a certificate; such
 * a login proves no password.
 */
export type Asked = "nothing" | "scram"

/**
 * `answered`: once something has answered, before it is believed and before it is told anything
 * more.
 */
type Login = {
  readonly label: string
  readonly password: Secret | undefined
  readonly nonce: string
  readonly answered?: () => Promise<void>
}

/** Codes of AuthenticationXXX (PostgreSQL manual, Message Formats). */
const kinds = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/**
 * Logs in. Only SCRAM-SHA-256 is answered: every other method would hand the password, or its
 * equivalent, to any server that asks.
 */
export async function authenticate(channel: Channel<Message>, login: Login): Promise<Asked> {
  const { kind, rest } = await firstAnswer(channel, login)
  if (kind === kinds.ok) return "nothing"
  if (kind !== kinds.sasl) throw refusal(kind, login.label)
  if (!texts(rest).includes(mechanism))
    throw new AppError(
      "scram-not-offered",
      `${login.label}: the server does not offer ${mechanism}`,
    )
  if (login.password === undefined)
    throw new AppError(
      "password-missing",
      `${login.label}: the server asks for a password, and there is none`,
    )
  await scram(channel, login.label, login.password, login.nonce)
  return "scram"
}

type Answer = { readonly kind: number; readonly rest: Buffer }

async function firstAnswer(channel: Channel<Message>, { label, answered }: Login): Promise<Answer> {
  const first = await nextAuthentication(channel, label).catch((error: unknown) => {
    if (error instanceof ServerError) return error
    throw error
  })
  if (!(first instanceof ServerError)) {
    await answered?.()
    return first
  }
  // With its refusal a server hangs up, and then it cannot be known who it was: so what something is
  // concluded from is not believed.
  await answered?.().catch((error: unknown) => {
    if (!isGone(error) || isRefusedPassword(first) || isMissingRole(first)) throw error
  })
  throw first
}

async function scram(
  channel: Channel<Message>,
  label: string,
  password: Secret,
  nonce: string,
): Promise<void> {
  const first = clientFirst(nonce)
  channel.send(saslInitial(mechanism, first.message))
  const challenge = await expect(channel, label, kinds.saslContinue)
  const reply = await answer(password, first, challenge.toString())
  channel.send(saslResponse(reply.message))
  const last = await expect(channel, label, kinds.saslFinal)
  if (!reply.proves(last.toString())) throw unproven(label)
  await expect(channel, label, kinds.ok)
}

async function expect(channel: Channel<Message>, label: string, wanted: number): Promise<Buffer> {
  const { kind, rest } = await nextAuthentication(channel, label)
  // "Come in" before its own proof: this server may not know the password at all.
  if (kind === kinds.ok && wanted !== kinds.ok) throw unproven(label)
  if (kind !== wanted) throw malformed()
  return rest
}

async function nextAuthentication(channel: Channel<Message>, label: string): Promise<Answer> {
  for (;;) {
    const message: Message = await channel.receive()
    if (message.type === "R") return readAuthentication(message)
    if (message.type === "E") throw new ServerError(readSqlstate(message), label, false)
    if (message.type !== "N") throw malformed()
  }
}

function refusal(kind: number, label: string): AppError {
  if (kind === kinds.cleartext) {
    return new AppError(
      "cleartext-refused",
      `${label}: the server asks for the password in clear text; it was not sent`,
      {
        hint: "use scram-sha-256 in pg_hba.conf instead of password, ldap, pam or radius",
      },
    )
  }
  if (kind === kinds.md5) {
    return new AppError(
      "md5-refused",
      `${label}: the server asks for an md5 answer, which is as good as the password; it was not given`,
      {
        hint:
          "set password_encryption = 'scram-sha-256', give the role its password again, " +
          "and use scram-sha-256 in pg_hba.conf",
      },
    )
  }
  return new AppError(
    "authentication-unsupported",
    `${label}: the server asks for another kind of login than ${mechanism}`,
    { hint: "see pg_hba.conf" },
  )
}

function unproven(label: string): AppError {
  return new AppError(
    "server-unproven",
    `${label}: the server could not prove that it knows the password`,
    { hint: "something else may be answering at this address" },
  )
}
