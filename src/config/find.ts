import { statSync } from "node:fs"
import { stat } from "node:fs/promises"
import { resolve } from "node:path"
import { AppError, systemCode } from "../base/error.ts"
import { isAllNear } from "../base/files/disk.ts"

/**
 * Which config: `--config`, else $MYCELIUM_CONFIG, else the first that exists of the usual places.
 * Absolute.
 */
export async function findConfig(
  flag: string | undefined,
  cwd: string,
  env: (name: string) => string | undefined,
): Promise<string> {
  const variable = env("MYCELIUM_CONFIG")
  const named = flag ?? (variable === "" ? undefined : variable)
  if (named !== undefined)
    return mustExist(
      resolve(cwd, named),
      flag === undefined ? "MYCELIUM_CONFIG names" : "--config names",
    )
  const places = [
    resolve(cwd, "mycelium.yaml"),
    resolve(cwd, "mycelium.yml"),
    "/etc/mycelium/mycelium.yaml",
  ]
  for (const place of places) if (await exists(place)) return place
  throw missing(`there is no config: neither ${places.join(" nor ")} exists`)
}

async function mustExist(path: string, who: string): Promise<string> {
  if (await exists(path)) return path
  throw missing(`${who} ${path}, which does not exist`)
}

/** What is there but cannot be looked at is for the loader to report. */
async function exists(path: string): Promise<boolean> {
  try {
    if (isAllNear()) statSync(path)
    else await stat(path)
    return true
  } catch (error) {
    return !["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")
  }
}

function missing(message: string): AppError {
  return new AppError("config-missing", message, {
    hint: "make one with mycelium init, or name one with --config",
  })
}
