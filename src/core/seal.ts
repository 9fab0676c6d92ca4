import {
  Decrypter,
  Encrypter,
  armor,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption"
import { AppError } from "../base/error.ts"

/**
 * The only file that knows the cryptography of values: age, X25519 recipients, so that the `age`
 * command opens them too.
 */

/** Seals bytes to every recipient; armored text. */
export async function seal(recipients: readonly string[], bytes: Uint8Array): Promise<string> {
  const made = encrypters.get(recipients)
  const encrypter = made ?? new Encrypter()
  if (made === undefined) for (const recipient of recipients) encrypter.addRecipient(recipient)
  encrypters.set(recipients, encrypter)
  return armor.encode(await encrypter.encrypt(bytes))
}

/**
 * By the list that they are for: parsing a key costs as much as using it. Each file has its own key
 * all the same.
 */
const encrypters = new WeakMap<readonly string[], Encrypter>()
const decrypters = new WeakMap<readonly string[], Decrypter>()

/**
 * Opens what was sealed to this identity. `seal-damaged` where that can be told; `seal-broken`
 * where no part of it is for this identity.
 */
export async function unseal(identities: readonly string[], sealed: string): Promise<Uint8Array> {
  const made = decrypters.get(identities)
  const decrypter = made ?? new Decrypter()
  if (made === undefined) for (const identity of identities) decrypter.addIdentity(identity)
  decrypters.set(identities, decrypter)
  try {
    return await decrypter.decrypt(armor.decode(sealed))
  } catch (error) {
    if (!(error instanceof Error && error.message === notForUs))
      throw new AppError("seal-damaged", "a sealed value is damaged", {
        hint: "restore it from a backup: it is not as it was written, and no identity opens it",
      })
    throw new AppError("seal-broken", "a sealed value cannot be opened with this identity", {
      hint:
        "it was sealed to another identity, or damaged: name the right one with identity, " +
        "or restore the state from a backup",
    })
  }
}

/**
 * What age says of a file that is whole as far as can be told, and of whose recipients none is
 * ours.
 */
const notForUs = "no identity matched any of the file's recipients"

/** True if one of these identities opens it. */
export async function opens(identities: readonly string[], sealed: string): Promise<boolean> {
  return unseal(identities, sealed).then(
    () => true,
    () => false,
  )
}

/**
 * Every sealed text that stands anywhere in plain data: anyone who adds one to the state need not name
 * it twice.
 */
export function sealedIn(data: unknown): readonly string[] {
  if (typeof data === "string") return data.startsWith(beginning) ? [data] : []
  return typeof data === "object" && data !== null
    ? Object.values(data).flatMap((inner) => sealedIn(inner))
    : []
}

const beginning = "-----BEGIN AGE ENCRYPTED FILE-----"

export async function newIdentity(): Promise<string> {
  return generateX25519Identity()
}

export async function recipientOf(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity)
  } catch {
    throw new AppError("identity-broken", "the identity is no age identity", {
      hint: "it must hold a line that begins with AGE-SECRET-KEY-1; mycelium init makes one",
    })
  }
}

/** The identities in the text of an identity file: comments and blank lines are left out. */
export function identitiesIn(text: string): readonly string[] {
  return linesOf(text).filter(isIdentity)
}

/**
 * Those that only open what is not sealed anew yet: a comment above each says so, with nothing but
 * other comments and blank lines between. To the age command they are as the others.
 */
export function retiredIn(text: string): readonly string[] {
  const lines = linesOf(text)
  return retiredParts(lines).flatMap(({ to }) => lines[to] ?? [])
}

/** The text without them, and without what stands between their marks and them. */
export function withoutRetired(text: string): string {
  const retired = retiredIn(text)
  const parts = retiredParts(linesOf(text))
  return text
    .split("\n")
    .filter(
      (line, index) =>
        !retired.includes(line.trim()) &&
        !parts.some(({ from, to }) => from <= index && index <= to),
    )
    .join("\n")
}

/** By the index of a line: from the mark to the identity that it retires. */
function retiredParts(
  lines: readonly string[],
): readonly { readonly from: number; readonly to: number }[] {
  let mark: number | undefined
  return lines.flatMap((line, index) => {
    if (line.startsWith(retiredMark)) mark ??= index
    if (!isIdentity(line)) return []
    const from = mark
    mark = undefined
    return from === undefined ? [] : [{ from, to: index }]
  })
}

/** What stands above a retired identity. */
export const retiredMark = "# retired"

function linesOf(text: string): readonly string[] {
  return text.split("\n").map((line) => line.trim())
}
function isIdentity(line: string): boolean {
  return line.startsWith("AGE-SECRET-KEY-")
}
