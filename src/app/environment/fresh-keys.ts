import { type Keys, keysFileVersion, openKeys } from "../../record/keys.ts"
import type { App } from "../app.ts"
import { readIdentity } from "../identity.ts"

const renewed = new WeakMap<Keys, Keys>()

/**
 * With the identity and the keys as they are now. A service that has run for months must not seal to
 * an identity that `mycelium rekey` has retired, and needs the one that took its place. If the file is
 * gone, the keys in hand stay.
 */
export async function withFreshKeys(app: App): Promise<App> {
  const known = renewed.get(app.keys) ?? app.keys
  const fileVersion = keysFileVersion(app.config.store)
  if (fileVersion === "" || fileVersion === known.fileVersion)
    return known === app.keys ? app : { ...app, keys: known }
  const keys = await openKeys(app.config.store, await readIdentity(app.config, app.host))
  renewed.set(app.keys, keys)
  return { ...app, keys }
}
