import { basename, dirname, join } from "node:path"
import { present } from "../present.ts"

/** Both contents of a file that is written in place: what a crash in the middle is healed by. */

/** While the target is being written, this file lies beside it. */
export function redoPath(target: string): string {
  return join(dirname(target), redoName(basename(target)))
}

export function redoName(name: string): string {
  return `.${name}.mycelium-writing`
}

/** `uid`: whose the target is to be. */
export type Redo = {
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly uid: number | undefined
}

/** As it lies on the disk. */
type Written = { readonly before: string; readonly after: string; readonly uid?: number }

export function writeRedo({ before, after, uid }: Redo): string {
  const written: Written = {
    before: Buffer.from(before).toString("base64"),
    after: Buffer.from(after).toString("base64"),
    ...present({ uid }),
  }
  return JSON.stringify(written)
}

/** Made by a rename, so it is whole, or not ours. */
export function readRedo(bytes: Uint8Array): Redo | undefined {
  try {
    const { before, after, uid } = JSON.parse(Buffer.from(bytes).toString()) as Written
    return {
      before: Buffer.from(before, "base64"),
      after: Buffer.from(after, "base64"),
      uid: typeof uid === "number" ? uid : undefined,
    }
  } catch {
    return undefined
  }
}

/**
 * Each byte is the old one, the new one, or one that was never written: blocks reach a disk in any
 * order.
 */
export function isMixture(now: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  const [shortest, longest] = [
    Math.min(before.length, after.length),
    Math.max(before.length, after.length),
  ]
  if (now.length < shortest || now.length > longest) return false
  return now.every(
    (byte, at) => byte === before[at] || byte === after[at] || (byte === 0 && at >= before.length),
  )
}
