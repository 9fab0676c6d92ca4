import { readFileSync } from "node:fs"
import { join } from "node:path"
import { durableRemove, durableWrite } from "../base/files/durable-write.ts"
import { readRegular } from "../base/files/read-regular.ts"
import { beganAt, ourLocation } from "../base/processes/run-location.ts"
import { makeStateFolder, stateFolder, type StateKey } from "./state-file.ts"

/**
 * Which config a service runs with: beside the states, one file for each path of a config. Only a
 * word for people: no act hangs on it.
 */
export type ServiceMark = {
  readonly pid: number
  /** When the process began, in ticks: another one may have its number by now. */
  readonly began: number
  readonly boot: string
  readonly namespace: string
  /** When this config was loaded. */
  readonly loadedAt: string
  readonly digest: string
}

type Where = Pick<StateKey, "store" | "project"> & {
  /** The config's path. */ readonly file: string
}

/** False if that is not possible here: then nothing will be said of it. */
export async function markService(
  where: Where,
  { loadedAt, digest }: Pick<ServiceMark, "loadedAt" | "digest">,
): Promise<boolean> {
  const [began, location] = [beganAt(), ourLocation()]
  if (began === undefined || location === undefined) return false
  const { boot, namespace } = location
  const mark: ServiceMark = {
    pid: process.pid,
    began: began.since,
    boot,
    namespace,
    loadedAt,
    digest,
  }
  try {
    await makeStateFolder(where)
    await durableWrite(pathOf(where), JSON.stringify(mark), { mode: 0o600 })
    return true
  } catch {
    return false
  }
}

/** The service has ended. */
export async function unmarkService(where: Where): Promise<void> {
  await durableRemove(pathOf(where)).catch(() => undefined)
}

/** Of a service that runs now, as far as can be seen from here. */
export async function runningService(where: Where): Promise<ServiceMark | undefined> {
  const found = await readRegular(pathOf(where), 4096).catch(() => undefined)
  const mark = found === undefined ? undefined : parse(Buffer.from(found.bytes).toString())
  const here = ourLocation()
  return mark !== undefined &&
    mark.boot === here?.boot &&
    mark.namespace === here.namespace &&
    mark.began === beganOf(mark.pid)
    ? mark
    : undefined
}

function pathOf({ file, ...place }: Where): string {
  const name = new Bun.CryptoHasher("sha256").update(file).digest("hex").slice(0, 12)
  return join(stateFolder(place), `.service-${name}`)
}

function parse(text: string): ServiceMark | undefined {
  try {
    const mark = JSON.parse(text) as Partial<ServiceMark> | null
    const isWhole =
      typeof mark?.pid === "number" &&
      typeof mark.began === "number" &&
      typeof mark.digest === "string" &&
      !Number.isNaN(Date.parse(mark.loadedAt ?? ""))
    return isWhole ? (mark as ServiceMark) : undefined
  } catch {
    return undefined
  }
}

function beganOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19])
  } catch {
    return undefined
  }
}
