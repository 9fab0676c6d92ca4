import type { Stats } from "node:fs"
import type { AppError } from "../../base/error.ts"
import { type Report, defineCheck } from "./check.ts"
import { foldersAbove, octal } from "./path-stat.ts"

/**
 * Where outputs lie: can they be replaced there, does their reader see what replaces them, and who
 * else does?
 */

export type OutputLocation = {
  readonly path: string
  /** "an output of production". */
  readonly what: string
  /** How many names the file has: hard links. 0 where that cannot be told. */
  readonly names: number
  /** Written into, not replaced. */
  readonly inPlace: boolean
  /** It is mounted by itself, as we see it. */
  readonly isMount: boolean
  /** The file system of another machine that it lies on. */
  readonly network: string | undefined
  /** Whom its owner option names. */
  readonly reader: { readonly uid: number; readonly gid: number | undefined } | undefined
  /** Why nothing can be written there now: a full disk, a read-only one. */
  readonly unwritable?: string
  /** Why a rotation would not write there, for what another user could do on the way to it. */
  readonly fault: AppError | undefined
}
/** Another process has this file mounted by itself; `stale`: one that was replaced since. */
export type Alone = { readonly path: string; readonly pid: number; readonly stale: boolean }
export type Places = {
  readonly places: readonly OutputLocation[]
  readonly alone: readonly Alone[]
}

type Code =
  | "output-unwritable"
  | "output-is-mount"
  | "output-mounted-alone"
  | "output-in-place"
  | "output-linked"
  | "output-on-network"
  | "output-unreachable"

export const places = defineCheck<Code, Places>({
  name: "places",
  faults: {
    "output-unwritable": {
      severity: "error",
      remedy:
        "make that folder, free some space on its disk, or make it writable (mount -o " +
        "remount,rw): until then nothing that it shows is rotated",
    },
    "output-is-mount": {
      severity: "error",
      remedy: "mount its folder instead; or write in_place: true, and a reader may see half of it",
    },
    "output-mounted-alone": {
      severity: "warning",
      remedy:
        "mount its folder into the container instead; or write in_place: true, " +
        "and a reader may see half of it",
    },
    "output-in-place": {
      severity: "info",
      remedy: "mount its folder, and leave in_place out, where you can",
    },
    "output-linked": {
      severity: "warning",
      remedy:
        "take the other name away (find / -xdev -samefile FILE says it), " +
        "or name in the config the one that is read",
    },
    "output-on-network": {
      severity: "warning",
      remedy: "write it to a local disk, and let its reader have that",
    },
    "output-unreachable": {
      severity: "warning",
      remedy: "let its owner pass (chmod or chgrp that folder), or put the file elsewhere",
    },
  },
  inspect: ({ places: all, alone }, report) => {
    for (const place of all)
      judge(
        place,
        alone.filter(({ path }) => path === place.path),
        report,
      )
    return all.length === 0
      ? "there is no output"
      : "outputs can be replaced where they lie, and their readers see it"
  },
})

function judge(place: OutputLocation, alone: readonly Alone[], report: Report<Code>): void {
  judgeReplacing(place, report)
  judgeAlone(place, alone, report)
  judgeReaders(place, report)
}

/** Can the file be replaced where it lies, and is it the only one of its name? */
function judgeReplacing(place: OutputLocation, report: Report<Code>): void {
  const { path, what } = place
  // A link in the file's own place is told with the other files.
  if (place.fault !== undefined && !place.fault.message.startsWith(`${path} is a symbolic link`))
    report.failed(place.fault)
  else if (place.unwritable !== undefined)
    report.found("output-unwritable", `${path} (${what}): ${place.unwritable}`)
  if (place.inPlace)
    report.found(
      "output-in-place",
      `${path} (${what}) is written into, not replaced: a reader may see half of it`,
    )
  else if (place.isMount)
    report.found(
      "output-is-mount",
      `${path} (${what}) is mounted by itself, so it cannot be replaced`,
    )
  if (place.names > 1)
    report.found(
      "output-linked",
      `${path} (${what}) has ${place.names} names (hard links): ` +
        `${place.inPlace ? "what is written into it shows by each of them" : "once it is replaced, the others go on showing the old values"}`,
    )
}

/** Programs that see this file by itself, and not its folder. */
function judgeAlone(
  { path, what, inPlace }: OutputLocation,
  alone: readonly Alone[],
  report: Report<Code>,
): void {
  for (const { pid, stale } of alone) {
    if (stale)
      report.found(
        "output-mounted-alone",
        `process ${pid} has ${path} (${what}) mounted by itself and still sees one that was replaced`,
        { remedy: "restart its container; then mount the folder instead of the file" },
      )
    else if (!inPlace)
      report.found(
        "output-mounted-alone",
        `process ${pid} has ${path} (${what}) mounted by itself: once it is replaced, ` +
          "that process goes on seeing the old one",
      )
  }
}

/** Who reads it: the one it is for, and who else? */
function judgeReaders(place: OutputLocation, report: Report<Code>): void {
  const { path, what } = place
  if (place.network !== undefined)
    report.found(
      "output-on-network",
      `${path} (${what}) is on a network file system (${place.network}): its server, ` +
        "and any machine that mounts it, can read it too, and may see the old one for a while",
    )
  const closed =
    place.reader === undefined
      ? undefined
      : foldersAbove(path).find(({ stats }) => !mayPass(stats, place.reader))
  if (closed !== undefined)
    report.found(
      "output-unreachable",
      `${path} (${what}) is for user ${place.reader?.uid ?? ""}, ` +
        `who cannot pass ${closed.path} (${octal(closed.stats.mode)})`,
    )
}

/** Only a clear no counts: in which further groups a user is, is not known here. */
function mayPass(stats: Stats, reader: OutputLocation["reader"]): boolean {
  if (reader === undefined || reader.uid === 0) return true
  if (reader.uid === stats.uid) return (stats.mode & 0o100) !== 0
  if ((stats.mode & 0o010) !== 0) return true
  return reader.gid !== stats.gid && (stats.mode & 0o001) !== 0
}
