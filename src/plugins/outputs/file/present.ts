import { type Regular, readRegular } from "../../../base/files/read-regular.ts"

/** The file as it lies there; its text is a binary string, one character a byte. */
export type Present = Regular & { readonly text: string }

/** Bytes. What is larger is no file of credentials. */
export const largest = 1024 * 1024

export async function readPresent(target: string): Promise<Present | undefined> {
  const found = await readRegular(target, largest)
  return found === undefined
    ? undefined
    : { ...found, text: Buffer.from(found.bytes).toString("latin1") }
}
