import { readRegular } from "../base/files/read-regular.ts"
import { refuseForeign, refuseForeignFile } from "./identity-owner.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import { run } from "../base/processes/spawn.ts"
import type { Config } from "../config/model.ts"
import type { Reference } from "../core/ports.ts"
import type { Secret } from "../core/secret.ts"
import { fileOf, readReference } from "../plugins/references/index.ts"
import { storeHasSealed } from "../record/store-has-sealed.ts"
import type { Keys } from "../record/keys.ts"
import { defaultIdentityPath, isBrought, lost, notBrought } from "./identity-path.ts"

/**
 * The identities that open values, and the recipients that new ones are sealed to: none of an
 * identity that is retired.
 */
export async function readIdentity(
  config: Pick<Config, "identity" | "recipients" | "folder" | "store">,
  host: Host,
): Promise<Pick<Keys, "identities" | "recipients" | "retired">> {
  const { recipientOf } = await import("../core/seal.ts")
  const { identities, retired } = await readIdentities(config, host)
  const active = identities.filter((one) => !retired.includes(one))
  if (active.length === 0) throw withoutActive(retired)
  const own = await Promise.all(active.map((one) => recipientOf(one)))
  return {
    identities,
    recipients: [...new Set([...own, ...config.recipients])],
    ...(retired.length === 0 ? {} : { retired }),
  }
}

/** All that the identity's file holds: what opens, even if nothing may be sealed to it. */
export async function readIdentities(
  config: Pick<Config, "identity" | "folder" | "store">,
  host: Host,
): Promise<{ readonly identities: readonly string[]; readonly retired: readonly string[] }> {
  const { identitiesIn, retiredIn } = await import("../core/seal.ts")
  const text = await identityText(config, host)
  return { identities: identitiesIn(text), retired: retiredIn(text) }
}

function withoutActive(retired: readonly string[]): AppError {
  return retired.length === 0
    ? new AppError("identity-broken", "the identity holds no key", {
        hint: "it must hold a line that begins with AGE-SECRET-KEY-1; mycelium init makes one",
      })
    : new AppError("identity-broken", "every key of the identity is marked as retired", {
        hint:
          'put a new one above the line "# retired" (mycelium init --identity FILE writes both ' +
          "into FILE), or take that line out: nothing is sealed to a retired key",
      })
}

async function identityText(
  config: Pick<Config, "identity" | "folder" | "store">,
  host: Host,
): Promise<string> {
  if (config.identity !== undefined) return (await referred(config, config.identity, host)).reveal()
  const path = defaultIdentityPath(host)
  const found = await readRegular(path, 64 * 1024)
  if (found === undefined) throw missing(path, config.store)
  refuseForeign(path, found, config.store)
  if ((found.stats.mode & 0o077) !== 0)
    throw new AppError("identity-open", `${path} can be read by others`, {
      hint: `chmod 600 ${path}; if others have read it, make a new one and rotate everything`,
    })
  return Buffer.from(found.bytes).toString()
}

/** A new identity is not offered if something is sealed already. */
async function referred(
  config: Pick<Config, "folder" | "store">,
  identity: Reference,
  host: Host,
): Promise<Secret> {
  const path = fileOf(identity, config.folder)
  if (path !== undefined) await refuseForeignFile(path, config.store)
  try {
    return await readReference(identity, {
      folder: config.folder,
      env: host.env,
      run,
      host,
      label: "identity",
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "reference-missing" || path === undefined)
      throw error
    throw isBrought(path)
      ? new AppError(error.code, error.message, { hint: notBrought })
      : missing(path, config.store)
  }
}

function missing(path: string, store: string): AppError {
  return storeHasSealed(store)
    ? lost(path, store)
    : new AppError("identity-missing", `there is no identity at ${path}`, {
        hint:
          "if mycelium init was run before by another user, or with another HOME (sudo, " +
          "cron), run it as that one: a second Mycelium for the same logins locks out the " +
          "first; else make one with mycelium init, or name it with identity in the config",
      })
}
