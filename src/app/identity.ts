import { homedir } from "node:os"
import { isAbsolute, join, resolve } from "node:path"
import { readRegular } from "../base/files/read-regular.ts"
import { AppError } from "../base/error.ts"
import type { Host } from "../base/system/host.ts"
import { run } from "../base/processes/spawn.ts"
import type { Config } from "../config/model.ts"
import type { Reference } from "../core/ports.ts"
import type { Secret } from "../core/secret.ts"
import { readReference } from "../plugins/references/index.ts"
import { storeHasSealed } from "../record/store-has-sealed.ts"
import type { Keys } from "../record/keys.ts"

/** `<config>/mycelium/identity.txt`: XDG_CONFIG_HOME, or ~/.config. */
export function defaultIdentityPath(host: Host): string {
  const xdg = host.env("XDG_CONFIG_HOME")
  const home = host.env("HOME")
  const base =
    xdg !== undefined && isAbsolute(xdg)
      ? xdg
      : join(home !== undefined && isAbsolute(home) ? home : homedir(), ".config")
  return join(base, "mycelium", "identity.txt")
}

/**
 * The identities that open values, and the recipients that new ones are sealed to: none of an
 * identity that is retired.
 */
export async function readIdentity(
  config: Pick<Config, "identity" | "recipients" | "folder" | "store">,
  host: Host,
): Promise<Pick<Keys, "identities" | "recipients" | "retired">> {
  const { identitiesIn, recipientOf, retiredIn } = await import("../core/seal.ts")
  const text = await identityText(config, host)
  const identities = identitiesIn(text)
  const retired = retiredIn(text)
  const active = identities.filter((one) => !retired.includes(one))
  if (active.length === 0)
    throw new AppError("identity-broken", "the identity holds no key", {
      hint: "it must hold a line that begins with AGE-SECRET-KEY-1; mycelium init makes one",
    })
  const own = await Promise.all(active.map((one) => recipientOf(one)))
  return {
    identities,
    recipients: [...new Set([...own, ...config.recipients])],
    ...(retired.length === 0 ? {} : { retired }),
  }
}

async function identityText(
  config: Pick<Config, "identity" | "folder" | "store">,
  host: Host,
): Promise<string> {
  if (config.identity !== undefined) return (await referred(config, config.identity, host)).reveal()
  const path = defaultIdentityPath(host)
  const found = await readRegular(path, 64 * 1024)
  if (found === undefined) throw missing(path, config.store)
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
  try {
    return await readReference(identity, {
      folder: config.folder,
      env: host.env,
      run,
      label: "identity",
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "reference-missing" || !("file" in identity))
      throw error
    const path = resolve(config.folder, identity.file)
    throw isBrought(path)
      ? new AppError(error.code, error.message, { hint: notBrought })
      : missing(path, config.store)
  }
}

/** What lies below /run is gone after a reboot: a unit, or a container, brings it there. */
export function isBrought(path: string): boolean {
  return /^\/(var\/)?run\//.test(path)
}
export const notBrought =
  "it is there while the unit of systemd runs that loads it (LoadCredential=), or in the container that has it mounted: start that"

function missing(path: string, store: string): AppError {
  return storeHasSealed(store)
    ? lost(path, store)
    : new AppError("identity-missing", `there is no identity at ${path}`, {
        hint: "make one with mycelium init, or name it with identity in the config",
      })
}

/** A new identity would open nothing of what is there. */
export function lost(path: string, store: string): AppError {
  return new AppError(
    "identity-missing",
    `there is no identity at ${path}, and what lies in ${store} was sealed to one: a new one cannot open it`,
    {
      hint: "put back the identity that it was sealed to, from your offline backup, or name it with identity in the config; make no new one (if it is lost for good: mycelium explain identity-missing)",
    },
  )
}
