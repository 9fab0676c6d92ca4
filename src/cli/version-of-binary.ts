/** Set by the build; a run from source says so. */
declare const MYCELIUM_VERSION: string | undefined
declare const MYCELIUM_COMMIT: string | undefined

export const versionOfBinary = typeof MYCELIUM_VERSION === "string" ? MYCELIUM_VERSION : "source"
export const commitOfBinary = typeof MYCELIUM_COMMIT === "string" ? MYCELIUM_COMMIT : ""
