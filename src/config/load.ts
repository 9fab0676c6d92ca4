import { resolve } from "node:path"
import { readRealFile } from "../base/files/real-file.ts"
import { AppError } from "../base/error.ts"
import type { Plugins, PluginsFor, Surroundings } from "./context.ts"
import type { Config } from "./model.ts"
import { ConfigProblems } from "./problems.ts"
import { readPlainYaml } from "./plain-yaml.ts"
import { readSource } from "./source.ts"
import { judge } from "./judge.ts"

/** A thousand environments fit; a log that was named by mistake does not. */
const largest = 4 * 1024 * 1024

/**
 * The config, or `ConfigProblems` with everything that is wrong with it. Opens no connection; of
 * other files it reads only those that it names as a part of itself (templates).
 */
export async function loadConfig(
  path: string,
  plugins: Plugins | PluginsFor,
  surroundings: Surroundings,
): Promise<Config> {
  const file = resolve(path)
  const found = await readRealFile(file, largest)
  if (found === undefined)
    throw new AppError("config-missing", `there is no config at ${file}`, {
      hint: "make one with mycelium init",
    })
  const text = textOf(found.bytes, file)
  const around = { readText: readSource, ...surroundings }
  const config = await loadPlain(text, file, plugins, around)
  if (config !== undefined) return config
  // Whatever is wrong is told by what knows its place, and may mean any plug-in.
  const { parseConfig } = await import("./parse.ts")
  return parseConfig(text, file, typeof plugins === "function" ? await plugins() : plugins, around)
}

/** undefined: something is wrong, or the text is not plain. */
async function loadPlain(
  text: string,
  file: string,
  plugins: Plugins | PluginsFor,
  around: Surroundings,
): Promise<Config | undefined> {
  const plain = readPlainYaml(text)
  if (plain === undefined) return undefined
  const { config, faults } = judge(
    plain.value,
    file,
    typeof plugins === "function" ? await plugins(text) : plugins,
    around,
  )
  return faults.length > 0 ? undefined : config
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new ConfigProblems([
      { file, line: 1, column: 1, path: "", message: "the file is not UTF-8 text" },
    ])
  }
}
