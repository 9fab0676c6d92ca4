import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { changeableBy } from "../base/files/runnable.ts"
import type { MountGate } from "../base/files/mount-gate.ts"
import type { Config } from "../config/model.ts"
import type { Finding } from "../core/ports.ts"
import type { Settings } from "./self-tests/settings.ts"
import { entriesIn } from "./options.ts"
import { silenceAt } from "./silent.ts"

/**
 * The files that `tls` names, of services and of secret managers: a login refuses one that another
 * user can change, and a check says so before any login. What they hold is not looked at.
 */
export function tlsFilesOf(config: Config, gate: MountGate): Settings["references"] {
  const all = Object.values(config.environments).flatMap(({ name, folder, secrets, outputs }) => [
    ...Object.values(secrets).flatMap((secret) =>
      filesIn(secret.options, folder).map((path) => ({ place: `${name}/${secret.name}`, path })),
    ),
    // Each manager's once, however many of its entries are written.
    ...[...new Set(outputs.flatMap(({ options }) => filesIn(options, folder)))].map((path) => ({
      place: name,
      path,
    })),
  ])
  return all.map(({ place, path }) => ({ place, inspect: () => inspectOne(path, gate) }))
}

const keys = ["ca", "certificate", "key"]

function filesIn(options: unknown, folder: string): readonly string[] {
  return [...entriesIn(options)].flatMap(([key, value]) => {
    if (key !== "tls" || typeof value !== "object" || value === null) return []
    return Object.entries(value).flatMap(([name, file]) =>
      keys.includes(name) && typeof file === "string" ? [resolve(folder, file)] : [],
    )
  })
}

async function inspectOne(path: string, gate: MountGate): Promise<readonly Finding[]> {
  const silent = await silenceAt({ path, what: "a TLS file" }, gate)
  if (silent !== undefined) return [silent]
  const fault = await changeableBy(path, { evenMissing: true })
  if (fault !== undefined)
    return [
      {
        code: "tls-file-open",
        severity: "error",
        message: `${path} ${fault.message}`,
        remedy: `see that it holds what it should, then: ${fault.remedy}`,
      },
    ]
  if (existsSync(path)) return []
  return [
    {
      code: "tls-file-unreadable",
      severity: "error",
      message: `${path}, which tls names, is not there`,
      remedy: "put it there, or correct the path under tls",
    },
  ]
}
