/**
 * The laws that are worth code: which folder may import which (type imports count), who may open a
 * secret, who may touch the clock, the environment, processes and files. Prints each breach with
 * its place; exits 1 if there is one.
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { importsOf } from "./laws/imports.ts"
import { ringsOf } from "./laws/rings.ts"

const source = join(import.meta.dirname, "..", "src")

const plugins = ["plugins"]
const stages = ["plan", "rotate", "deliver", "restart", "check/self-tests", "record"]
const belowApp = ["base", "core", ...plugins, "config", ...stages]
/**
 * Which folders a folder may import, types included, besides itself. Stages never import one
 * another; plug-ins never import a stage.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  core: ["base"],
  plugins: ["base", "core"],
  config: ["base", "core", ...plugins],
  ...Object.fromEntries(stages.map((stage) => [stage, ["base", "core"]])),
  app: belowApp,
  notify: [...belowApp, "app"],
  check: [...belowApp, "app"],
  metrics: [...belowApp, "app", "check"],
  repair: [...belowApp, "app"],
  incident: [...belowApp, "app", "check", "repair"],
  manual: [],
  cli: [...belowApp, "app", "check", "repair", "incident", "notify", "metrics", "manual"],
  "main.ts": ["base", "cli"],
}

/** What all that speaks to servers shares: sockets, TLS, HTTP. */
const speaking = "plugins/drivers/server/"

/** The pages of the manual and the example config become a part of the binary here. */
const embedding = "manual/index.ts"

/** Packages with a fence around them, and why. */
const fenced: Readonly<Record<string, { readonly in: RegExp; readonly why: string }>> = {
  croner: { in: /^plan\/schedule\.ts$/, why: "the rest asks only when the next tick is" },
  "age-encryption": { in: /^core\/seal\.ts$/, why: "one place to review the cryptography" },
  yaml: { in: /^config\/|^plugins\/outputs\/yaml\.ts$/, why: "outside data is parsed at the edge" },
  "prom-client": { in: /^metrics\/process\.ts$/, why: "loaded where a config listens" },
  liquidjs: { in: /^(plugins\/outputs|notify)\//, why: "templates belong to outputs and notices" },
  zod: { in: /^(plugins|config)\/|^core\/define\.ts$/, why: "options are parsed at the edge" },
  "bun:sqlite": { in: /^base\/files\/lock\.ts$/, why: "one lock mechanism everywhere" },
  "bun:ffi": {
    in: /^base\/(files\/data-ranges|processes\/(reap|process-handle)|system\/(harden|notify|socket-diag))\.ts$/,
    why: "a hardened unit forbids it: only for what is optional",
  },
  "@aws-sdk/credential-provider-node": {
    in: /^plugins\/aws\/credentials\.ts$/,
    why: "loaded where a config names AWS, and only then",
  },
  "@azure/identity": {
    in: /^plugins\/azure\/login\.ts$/,
    why: "loaded where a config names Azure, and only then",
  },
  "google-auth-library": {
    in: /^plugins\/google\/(login|library)\.ts$/,
    why: "loaded where a config names Google, and only then",
  },
  "@smithy/signature-v4": { in: /^plugins\/aws\/signature\.ts$/, why: "one place signs" },
  "node:child_process": {
    in: /^base\/processes\/spawn\.ts$/,
    why: "argument lists, process groups and output caps in one place",
  },
}

/** Who may open a secret, each with its reason. */
const reveals: Readonly<Record<string, string>> = {
  "core/redact.ts": "to find values in texts of others",
  "core/secret.ts": "its own definition",
  "record/vault.ts": "seals and fingerprints",
  "incident/exposed.ts": "looks for values in a text that leaked",
  "repair/adoptable.ts": "judges whether a value that is taken over is easily guessed",
  "app/identity.ts": "the identity that opens the vault comes by reference",
  "plugins/outputs/": "outputs write values into files",
  "plugins/drivers/": "drivers hand values to services",
  "notify/receiver.ts": "the address of a receiver is a credential, and goes into its request",
  "plugins/aws/": "the client signs with credentials and hands values to AWS",
  "plugins/azure/": "the client hands tokens and values to Azure",
  "plugins/google/": "the client hands tokens and values to Google",
  "plugins/vault/": "the client hands credentials and values to Vault",
}

/** Side effects come in through one place each. */
const ambient: readonly { readonly pattern: RegExp; readonly in: RegExp; readonly why: string }[] =
  [
    {
      pattern: /\bDate\.now\(|\bnew Date\(\)/,
      in: /^base\/system\/host\.ts$/,
      why: "the clock is the host's",
    },
    { pattern: /\bMath\.random\(/, in: /^$/, why: "randomness is the operating system's" },
    { pattern: /\bprocess\.env\b/, in: /^main\.ts$/, why: "the environment is the host's" },
    { pattern: /\bconsole\./, in: /^$/, why: "data goes to out, talk to talk" },
    {
      pattern: /\bBun\.(spawn|spawnSync|\$|write)\b/,
      in: /^base\/processes\/spawn\.ts$/,
      why: "programs and files have one place each",
    },
    { pattern: /\bprocess\.exit\(/, in: /^main\.ts$/, why: "the exit code is main's" },
  ]

type Breach = { readonly file: string; readonly message: string }

function files(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return files(path)
    return entry.name.endsWith(".ts") ? [path] : []
  })
}

function layerOf(file: string): string {
  const [first = "", second = ""] = file.split("/")
  const room = `${first}/${second}`
  return room in allowed ? room : first
}

function* breaches(file: string, text: string): Generator<Breach> {
  for (const name of importsOf(text)) yield* importBreach(file, name)
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")
  if (
    /\.reveal\(\)|\?\.reveal\(/.test(code) &&
    !Object.keys(reveals).some((place) => file.startsWith(place))
  )
    yield { file, message: "opens a secret (reveal), and is not listed with a reason" }
  for (const { pattern, in: where, why } of ambient)
    if (pattern.test(code) && !where.test(file))
      yield { file, message: `has ${pattern.source}: ${why}` }
}

function* importBreach(file: string, name: string): Generator<Breach> {
  if (!name.startsWith(".")) {
    const fence = fenced[name] ?? fenced[name.split("/")[0] ?? ""]
    if (fence !== undefined && !fence.in.test(file))
      yield { file, message: `imports ${name}: ${fence.why}` }
    return
  }
  const target = normalize(join(dirname(file), name))
  if (!target.endsWith(".ts")) {
    if (file !== embedding)
      yield { file, message: `imports ${target}: texts are embedded by ${embedding} alone` }
    return
  }
  const [from, to] = [layerOf(file), layerOf(target)]
  if (from !== to && !(allowed[from] ?? []).includes(to))
    yield {
      file,
      message: `imports ${target}: ${from} may import ${(allowed[from] ?? []).join(", ") || "nothing"}`,
    }
  const [registry, other] = [file.split("/"), target.split("/")]
  if (
    from === "plugins" &&
    to === "plugins" &&
    registry.length > 2 &&
    other.length > 2 &&
    registry[1] !== other[1] &&
    !["references", "docker", "vault", "aws", "azure", "google"].includes(other[1] ?? "") &&
    !target.startsWith(speaking)
  )
    yield {
      file,
      message: `imports ${target}: plug-ins of one kind do not import those of another`,
    }
}

/** Files that import one another in a circle cannot be read one after the other; types count. */
function ringBreaches(): readonly Breach[] {
  const names = files(source).map((path) => relative(source, path))
  const graph = new Map(
    names.map((name) => [
      name,
      importsOf(readFileSync(join(source, name), "utf8"))
        .filter((path) => path.startsWith("."))
        .map((path) => normalize(join(dirname(name), path))),
    ]),
  )
  return ringsOf(graph).map((ring) => ({
    file: ring[0] ?? "",
    message: `is in a ring of imports: ${ring.join(", ")}`,
  }))
}

const found = [
  ...files(source).flatMap((path) => [
    ...breaches(relative(source, path), readFileSync(path, "utf8")),
  ]),
  ...ringBreaches(),
]
for (const { file, message } of found) process.stderr.write(`src/${file} ${message}\n`)
for (const [file, why] of Object.entries(reveals))
  if (!file.endsWith("/") && !files(source).some((path) => relative(source, path) === file))
    process.stderr.write(`laws.ts lists ${file} (${why}), which does not exist\n`)
process.exit(found.length === 0 ? 0 : 1)
