import { defineCheck } from "./check.ts"

/** What the machine is like around us. */

export type Surroundings = {
  readonly uid: number
  /** The kernel lets no other process of this user read our memory. */
  readonly memoryIsClosed: boolean
  /** The text of /proc/self/limits; undefined where there is none. */
  readonly limits: string | undefined
  readonly store: string
  /** Who owns its folder; undefined where there is none yet. */
  readonly storeOwner: number | undefined
  /**
   * True where the store's folder, or the nearest one above it that exists, is on another machine.
   */
  readonly storeIsRemote: boolean
}

export const surroundings = defineCheck({
  name: "surroundings",
  faults: {
    "runs-as-root": {
      severity: "info",
      remedy: "a user of its own is enough, if the outputs' owner and the restarters allow it",
    },
    "wrong-user": {
      severity: "warning",
      remedy: "run every mycelium command as the user that runs the service",
    },
    "core-dumps": { severity: "info", remedy: "ulimit -c 0, or LimitCORE=0 in the unit" },
    "memory-readable": {
      severity: "info",
      remedy: "let mycelium run as a user of its own, who runs nothing else, as its unit does",
    },
    "network-file-system": {
      severity: "error",
      remedy: "name a store on a local disk: on this one locks cannot be trusted",
    },
  },
  inspect: (
    { uid, memoryIsClosed, limits, store, storeOwner, storeIsRemote }: Surroundings,
    report,
  ) => {
    if (storeOwner !== undefined && storeOwner !== uid) {
      const message =
        `this is user ${uid}, but the store ${store} belongs to user ${storeOwner}, ` +
        "who could not read what is written now"
      report.found("wrong-user", message, {
        remedy: `sudo -u '#${storeOwner}' mycelium …, as every other command`,
      })
    } else if (uid === 0) report.found("runs-as-root", "mycelium runs as root")
    if (coreLimit(limits) !== "0")
      report.found(
        "core-dumps",
        "a crash could write the memory of this process, values and all, to a file",
      )
    if (!memoryIsClosed)
      report.found(
        "memory-readable",
        "the system did not let mycelium close its memory (prctl): " +
          "other programs of this user could read it, values and all",
      )
    if (storeIsRemote)
      report.found("network-file-system", `the store ${store} is on a network file system`)
    return `the store is on a disk of this machine${uid === 0 ? "" : "; mycelium is not root"}`
  },
})

/** The soft limit: the one that counts. "Max core file size  0  unlimited  bytes" (proc(5)). */
function coreLimit(limits: string | undefined): string | undefined {
  return limits === undefined ? "0" : /^Max core file size\s+(\S+)/m.exec(limits)?.[1]
}
