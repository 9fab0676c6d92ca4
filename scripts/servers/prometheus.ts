import { join } from "node:path"
import { debianPackages } from "./debian.ts"
import { type Found, missing } from "./found.ts"
import { run } from "./run.ts"

let asked: Promise<Found> | undefined

/** Prometheus and promtool of the distribution, unpacked: they need no library. */
export function prometheusPrograms(): Promise<Found> {
  asked ??= find()
  return asked
}

async function find(): Promise<Found> {
  const entry = await debianPackages("prometheus", ["prometheus"], [], /^$/)
  if ("why" in entry) return missing(entry.why)
  const bin = join(entry.folder, "usr/bin")
  const ran = await run([join(bin, "promtool"), "--version"])
  const version = `${ran.out}${ran.err}`.match(/version ([\d.]+)/)?.[1]
  if (!ran.ok || version === undefined) return missing(`promtool does not run here: ${ran.err}`)
  return { found: true, bin, env: {}, version, message: `Prometheus ${version} in ${bin}` }
}
