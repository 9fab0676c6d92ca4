/**
 * Reads and parses what `plan` reads, and counts the secrets: a project's config, and each of its
 * states. Argument: the config.
 */
import { readFileSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { parse } from "yaml"

const config = process.argv[2] ?? ""
const folder = join(dirname(config), "store", "secrets", "bench")
const { environments } = parse(readFileSync(config, "utf8")) as {
  readonly environments: Readonly<Record<string, unknown>>
}
let secrets = 0
for (const name of readdirSync(folder)) {
  if (!name.endsWith(".json") || environments[name.slice(0, -".json".length)] === undefined)
    continue
  secrets += Object.keys(
    (JSON.parse(readFileSync(join(folder, name), "utf8")) as { readonly secrets: object }).secrets,
  ).length
}
process.stdout.write(`${secrets}\n`)
