import { join, resolve } from "node:path"
import type { ComposeOptions } from "./options.ts"

/** Which files Compose follows, by the config and its own rules. */

export const defaultFiles = [
  "compose.yaml",
  "compose.yml",
  "docker-compose.yaml",
  "docker-compose.yml",
]
const overrides = [
  "compose.override.yaml",
  "compose.override.yml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml",
]

/**
 * The files that tell Compose what to run, as root of the machine most often, where nothing runs
 * yet that could name them.
 */
export function composeFiles({ file }: ComposeOptions, folder: string): readonly string[] {
  return file === undefined
    ? [...defaultFiles, ...overrides].map((name) => join(folder, name))
    : [resolve(folder, file)]
}

export function fileWords({ file }: ComposeOptions, folder: string): readonly string[] {
  return file === undefined ? [] : ["-f", resolve(folder, file)]
}
