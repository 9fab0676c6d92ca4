import { readFileSync, readlinkSync } from "node:fs"

/**
 * Where a run lives: which boot of which machine, and which PID namespace. That decides which
 * programs of another run it can see.
 */
export type RunLocation = {
  readonly boot: string
  /** "pid:[4026531836]". */
  readonly namespace: string
  readonly machine?: string
  /** It was process 1 there: with it, the kernel ends all that ran in that namespace. */
  readonly init?: true
}

/** The first namespace, in which every process of the machine can be seen. */
const initial = "pid:[4026531836]"

let location: RunLocation | undefined
let began: Began | undefined

/** undefined where there is no /proc. Asked once: a process stays where it began. */
export function ourLocation(): RunLocation | undefined {
  location ??= readPlace()
  return location
}

function readPlace(): RunLocation | undefined {
  try {
    const machine = textOf("/etc/machine-id")
    return {
      boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      namespace: readlinkSync("/proc/self/ns/pid"),
      ...(machine === "" ? {} : { machine }),
      ...(process.pid === 1 ? { init: true } : {}),
    }
  } catch {
    return undefined
  }
}

/**
 * When this process began, in ticks of the kernel's clock, and which clock that is: of one start of
 * a machine, in one time namespace.
 */
export type Began = { readonly clock: string; readonly since: number }

/** undefined where there is no /proc. */
export function beganAt(): Began | undefined {
  began ??= readBegan()
  return began
}

function readBegan(): Began | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1")
    const since = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19])
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    return Number.isInteger(since)
      ? { clock: `${boot} ${timeNamespace()}`.trim(), since }
      : undefined
  } catch {
    return undefined
  }
}

/** Kernels before 5.6 have one clock alone. */
function timeNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/time")
  } catch {
    return ""
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return ""
  }
}

export function isSameLocation(one: RunLocation, other: RunLocation): boolean {
  return one.boot === other.boot && one.namespace === other.namespace
}

/**
 * Where a program of a run that lived `then`, and is gone, may still run unseen from `here`;
 * undefined: nowhere. A reboot of the machine has ended all of them; if the machine is not known,
 * a reboot is assumed.
 */
export function mayHide(
  then: RunLocation,
  here: RunLocation,
): "elsewhere on this machine" | "on another machine" | undefined {
  if (then.boot !== here.boot)
    return then.machine !== undefined && here.machine !== undefined && then.machine !== here.machine
      ? "on another machine"
      : undefined
  return then.init === true || then.namespace === here.namespace || here.namespace === initial
    ? undefined
    : "elsewhere on this machine"
}
