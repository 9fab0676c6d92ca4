import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import { AppError } from "../../../base/error.ts"
import type { Secret } from "../../../core/secret.ts"
import { prepare } from "./saslprep.ts"

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it: no channel binding, the user's name
 * left empty in the exchange.
 */

export const mechanism = "SCRAM-SHA-256"
/**
 * What PostgreSQL uses by default. More would not help a random value of 190 bits, and would cost
 * each login.
 */
export const iterations = 4096
/**
 * RFC 7677, section 4. An impostor would ask for few: then each guess at the password costs them
 * little.
 */
const fewestIterations = 4096
/** A server may not keep us busy for ever. */
const mostIterations = 5_000_000

const derive = promisify(pbkdf2)

/**
 * What PostgreSQL stores for a password (manual, pg_authid):
 * `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. The same password, salt and count
 * always give the same verifier.
 */
export async function makeVerifier(
  password: Secret,
  salt: Buffer,
  count = iterations,
): Promise<string> {
  const { storedKey, serverKey } = await keys(password, salt, count)
  return `${mechanism}$${count}:${salt.toString("base64")}$${storedKey.toString("base64")}:${serverKey.toString("base64")}`
}

export type ClientFirst = {
  readonly nonce: string
  readonly bare: string
  readonly message: string
}

export function clientFirst(nonce: string, user = ""): ClientFirst {
  const bare = `n=${user},r=${nonce}`
  return { nonce, bare, message: `n,,${bare}` }
}

/**
 * Answers the server's challenge. `proves` tells whether the server's last word shows that it knows
 * the password, too.
 */
export async function answer(
  password: Secret,
  first: ClientFirst,
  challenge: string,
): Promise<{ readonly message: string; proves(last: string): boolean }> {
  const { nonce, salt, count } = readChallenge(challenge, first.nonce)
  const { clientKey, storedKey, serverKey } = await keys(password, salt, count)
  const unproven = `c=biws,r=${nonce}`
  const signed = `${first.bare},${challenge},${unproven}`
  const signature = hmac(storedKey, signed)
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
  return {
    message: `${unproven},p=${Buffer.from(proof).toString("base64")}`,
    proves: (last) => {
      const theirs = Buffer.from(/^v=([A-Za-z0-9+/]+=*)(,|$)/.exec(last)?.[1] ?? "", "base64")
      const ours = hmac(serverKey, signed)
      return theirs.length === ours.length && timingSafeEqual(theirs, ours)
    },
  }
}

function readChallenge(
  challenge: string,
  ours: string,
): { readonly nonce: string; readonly salt: Buffer; readonly count: number } {
  const parts = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+=*),i=([1-9][0-9]{0,8})(,|$)/.exec(challenge)
  const [, nonce, salt, count] = parts ?? []
  // RFC 5802, 5.1: the server appends to our nonce; one that repeats it alone, or another, replays
  // an old exchange.
  if (
    nonce === undefined ||
    salt === undefined ||
    !nonce.startsWith(ours) ||
    nonce.length === ours.length
  ) {
    throw new AppError("scram-invalid", "the server's SCRAM challenge is not valid")
  }
  if (Number(count) < fewestIterations)
    throw new AppError(
      "scram-weak",
      `the server asks for ${count} SCRAM iterations, fewer than the ${fewestIterations} of ` +
        "RFC 7677: no proof of the password was sent",
      weak,
    )
  if (Number(count) > mostIterations)
    throw new AppError(
      "scram-invalid",
      `the server asks for more than ${mostIterations} SCRAM iterations`,
    )
  return { nonce, salt: Buffer.from(salt, "base64"), count: Number(count) }
}

const weak = {
  remedy: "ask-operator",
  hint:
    "see first that this is your server (address, TLS); if it is, set scram_iterations to 4096 " +
    "or more and set the password of this role anew",
} as const

type Keys = { readonly clientKey: Buffer; readonly storedKey: Buffer; readonly serverKey: Buffer }

/**
 * For as long as the password itself is held: the login that proves a new one comes milliseconds
 * after its verifier was made, while programs are locked out.
 */
const derived = new WeakMap<Secret, Map<string, Promise<Keys>>>()
/** A server that gives out another salt each time may not fill our memory. */
const mostSalts = 4

function keys(password: Secret, salt: Buffer, count: number): Promise<Keys> {
  const candidates = derived.get(password) ?? new Map<string, Promise<Keys>>()
  derived.set(password, candidates)
  const name = `${count} ${salt.toString("base64")}`
  const made = candidates.get(name) ?? deriveKeys(password, salt, count)
  if (candidates.size >= mostSalts) candidates.clear()
  candidates.set(name, made)
  return made
}

async function deriveKeys(password: Secret, salt: Buffer, count: number): Promise<Keys> {
  const salted = await derive(prepare(password.reveal()), salt, count, 32, "sha256")
  const clientKey = hmac(salted, "Client Key")
  return {
    clientKey,
    storedKey: createHash("sha256").update(clientKey).digest(),
    serverKey: hmac(salted, "Server Key"),
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest()
}
