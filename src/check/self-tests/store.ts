import { defineCheck } from "./check.ts"

/** Can anything be written down? Where it cannot, no command that changes something does. */

export type Store = {
  readonly folder: string
  /** The system's code, where it lets us write nothing there. */
  readonly refused?: string
  /** In words: how much is left, and how much one write needs. */
  readonly full?: { readonly free: string; readonly need: string }
  /**
   * Bytes: what is free for this user on the store's disk, and what a rotation of the largest
   * environment writes until its end.
   */
  readonly room?: { readonly free: number; readonly need: number; readonly environment: string }
}

export const store = defineCheck({
  name: "store",
  faults: {
    "store-unwritable": {
      severity: "error",
      remedy: "make that folder writable for the user that runs mycelium (mount -o remount,rw)",
    },
    "store-full": {
      severity: "error",
      remedy: "free some space on that disk: until then nothing is rotated, contained or noted",
    },
    "disk-full": {
      severity: "warning",
      remedy: "free some space on that disk: until then nothing of that environment is rotated",
    },
  },
  inspect: ({ folder, refused, full, room }: Store, report) => {
    if (refused !== undefined)
      report.found(
        "store-unwritable",
        `nothing can be written in ${folder}: ${refused}; so nothing is rotated, contained or noted`,
      )
    if (full !== undefined)
      report.found(
        "store-full",
        `the disk of the store ${folder} has ${full.free} left, ` +
          `and a single write needs ${full.need}; so nothing is rotated, contained or noted`,
      )
    if (room !== undefined && room.free < room.need)
      report.found(
        "disk-full",
        `the disk of the store ${folder} has ${kib(room.free)} left; ` +
          `a rotation of all of ${room.environment} needs ${kib(room.need)}`,
      )
    return "it can be written"
  },
})

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`
}
