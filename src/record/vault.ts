import { AppError } from "../base/error.ts"
import { KeyedSemaphore } from "../base/semaphore.ts"
import type { Credential, Fields } from "../core/ports.ts"
import { seal, unseal } from "../core/seal.ts"
import { Secret } from "../core/secret.ts"
import type { Version } from "../core/version.ts"
import type { Keys } from "./keys.ts"
import type { StateKey } from "./state-file.ts"

/** Sealed texts grow in steps of this many bytes, so that a length tells little. */
const step = 256

/**
 * Opening is work for one core: hundreds begun at once would all end late, and what talks to a
 * server in between would look like a silence of the server.
 */
const opening = new KeyedSemaphore(2)

/**
 * Seals and opens the values of one environment; each sealed text names its project, environment,
 * secret and version inside.
 */
export class AgeVault {
  readonly #keys: Keys
  readonly #environment: string
  /** "shop/production". */
  readonly #whole: string
  constructor(keys: Keys, { project, environment }: Pick<StateKey, "project" | "environment">) {
    this.#keys = keys
    this.#environment = environment
    this.#whole = `${project}/${environment}`
  }

  async seal(
    secret: string,
    credential: Credential,
  ): Promise<Pick<Version, "clear" | "sealed" | "fingerprints">> {
    const clear: Record<string, string> = {}
    const values: Record<string, string> = {}
    const fingerprints: Record<string, string> = {}
    for (const [field, value] of Object.entries(credential.fields)) {
      if (typeof value === "string") clear[field] = value
      else {
        values[field] = value.reveal()
        fingerprints[field] = this.fingerprint(Buffer.from(value.reveal()))
      }
    }
    return {
      clear,
      fingerprints,
      sealed: await this.#sealText(this.#name(secret, credential.version), { values }),
    }
  }

  async open(secret: string, version: Version): Promise<Credential> {
    const inside = await opening.take("", () =>
      this.#openText(this.#name(secret, version.id), version.sealed),
    )
    const fields: Record<string, string | Secret> = { ...version.clear }
    for (const [field, value] of Object.entries(
      (inside as { readonly values: Readonly<Record<string, string>> }).values,
    )) {
      if (version.fingerprints[field] !== this.fingerprint(Buffer.from(value)))
        throw edited(`${this.#environment}/${secret}`)
      fields[field] = new Secret(`${this.#environment}/${secret}`, value)
    }
    return { version: version.id, fields: fields satisfies Fields }
  }

  async sealBytes(name: string, bytes: Uint8Array): Promise<string> {
    return this.#sealText(`${this.#whole} output ${name}`, {
      bytes: Buffer.from(bytes).toString("base64"),
    })
  }

  async openBytes(name: string, sealed: string): Promise<Uint8Array> {
    const inside = await this.#openText(`${this.#whole} output ${name}`, sealed)
    return Buffer.from((inside as { readonly bytes: string }).bytes, "base64")
  }

  /** HMAC-SHA-256 under the store's key, hex. */
  fingerprint(bytes: Uint8Array): string {
    return new Bun.CryptoHasher("sha256", this.#keys.fingerprint).update(bytes).digest("hex")
  }

  #name(secret: string, version: string): string {
    return `${this.#whole}/${secret} ${version}`
  }

  #sealText(name: string, content: object): Promise<string> {
    return seal(this.#keys.recipients, padded({ name, ...content }))
  }

  async #openText(name: string, sealed: string): Promise<object> {
    const inside: unknown = JSON.parse(
      Buffer.from(await unseal(this.#keys.identities, sealed)).toString(),
    )
    if (
      typeof inside !== "object" ||
      inside === null ||
      !("name" in inside) ||
      inside.name !== name
    )
      throw edited(this.#environment)
    return inside
  }
}

/**
 * Earlier builds left the project out of a sealed name: of a store that a person trusts, it is put
 * in.
 */
export function withProject(
  bytes: Uint8Array,
  { project, environment }: Pick<StateKey, "project" | "environment">,
): Uint8Array {
  const inside = JSON.parse(Buffer.from(bytes).toString()) as { readonly name?: unknown }
  const whole = `${project}/${environment}`
  const { name } = inside
  if (
    typeof name !== "string" ||
    name.startsWith(`${whole}/`) ||
    name.startsWith(`${whole} output `)
  )
    return bytes
  return padded({ ...inside, name: `${project}/${name}` })
}

function padded(content: object): Uint8Array {
  const text = JSON.stringify(content)
  return Buffer.from(
    text.padEnd(
      Math.ceil(Buffer.byteLength(text) / step) * step - Buffer.byteLength(text) + text.length,
    ),
  )
}

function edited(place: string): AppError {
  return new AppError(
    "state-edited",
    `${place}: a sealed value does not belong where it stands in the state`,
    { hint: "the state was edited or mixed: restore it from a backup; nothing was changed" },
  )
}
