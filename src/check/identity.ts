import { existsSync } from "node:fs"
import type { Host } from "../base/system/host.ts"
import { findingOf } from "./self-tests/check.ts"
import { type Me, statOf } from "./self-tests/path-stat.ts"
import type { Config } from "../config/model.ts"
import type { Finding, Reference } from "../core/ports.ts"
import { fileOf, variableOf } from "../plugins/references/index.ts"
import { storeHasSealed } from "../record/store-has-sealed.ts"
import { defaultIdentityPath, isBrought, lost, notBrought } from "../app/identity-path.ts"

/**
 * What a look at names tells, without opening anything: a credential that is not where the config
 * says.
 */
export function missingReference(
  reference: Reference,
  folder: string,
  host: Host,
): Finding | undefined {
  const [path, variable] = [fileOf(reference, folder), variableOf(reference)]
  if (path !== undefined && !existsSync(path)) {
    return {
      code: "reference-missing",
      severity: "error",
      message: `there is no file ${path}, which holds a credential`,
      remedy: "make it, readable by this user alone, or name another",
    }
  }
  if (variable !== undefined && host.env(variable) === undefined) {
    return {
      code: "reference-missing",
      severity: "warning",
      message: `the variable ${variable}, which holds a credential, is not set here`,
      remedy: "see that it is set where mycelium runs",
    }
  }
  return undefined
}

/** The identity that this store was sealed to is gone; in words of the whole check. */
export function missingIdentity(
  { identity, folder, store }: Config,
  host: Host,
  me: Me,
): Finding | undefined {
  if (identity !== undefined) {
    const missing = missingReference(identity, folder, host)
    if (missing === undefined) return undefined
    const path = fileOf(identity, folder)
    if (path !== undefined && !isBrought(path) && isMine(store, me))
      return findingOf(lost(path, store))
    const way =
      path === undefined
        ? {}
        : {
            remedy: isBrought(path)
              ? notBrought
              : "mycelium init makes one, where nothing is sealed yet",
          }
    return { ...missing, message: `identity: ${missing.message}`, ...way }
  }
  const path = defaultIdentityPath(host)
  return isGone(path) && isMine(store, me) ? findingOf(lost(path, store)) : undefined
}

/**
 * A store of the user that looks, with something sealed in it: an identity that they lack is
 * missing.
 */
export function isMine(store: string, me: Me): boolean {
  return storeHasSealed(store) && statOf(store)?.uid === me.uid
}

/** What cannot be looked at is told by the check of files. */
function isGone(path: string): boolean {
  try {
    return statOf(path) === undefined
  } catch {
    return false
  }
}
