// node read.cjs WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named library finds.
const { readFileSync } = require("node:fs")
const { dirname } = require("node:path")
const { createRequire } = require("node:module")
const { pathToFileURL } = require("node:url")

const [which, packages] = process.argv.slice(2)
const load = createRequire(`${packages}/package.json`)
const text = (path) => readFileSync(path, "utf8")
const imported = async (name) => import(pathToFileURL(load.resolve(name)).href)

const libraries = {
  parseEnv: async () => (path) => require("node:util").parseEnv(text(path)),
  loadEnvFile: async () => {
    for (const key of Object.keys(process.env)) delete process.env[key]
    return (path) => {
      process.loadEnvFile(path)
      const found = { ...process.env }
      for (const key of Object.keys(found)) delete process.env[key]
      return found
    }
  },
  "dotenv-expand": async () => (path) => load("dotenv-expand").expand({ parsed: load("dotenv").parse(text(path)), processEnv: {} }).parsed,
  dotenvx: async () => (path) => load("@dotenvx/dotenvx").parse(text(path), { processEnv: {} }),
  "dotenv-flow": async () => (path) => load("dotenv-flow").parse(path),
  "env-cmd": async () => {
    const { parseEnvString } = await imported(`${packages}/node_modules/env-cmd/dist/parse-env-file.js`)
    return (path) => parseEnvString(text(path))
  },
  foreman: async () => (path) => load("foreman/lib/envs.js").keyValue(readFileSync(path)),
  next: async () => (path) => load("@next/env").processEnv([{ path, contents: text(path), env: {} }], dirname(path), { info() {}, error() {} }, true)[1] ?? {},
  vite: async () => {
    const { loadEnv } = await imported("vite")
    return (path) => loadEnv("none", dirname(path), "F")
  },
}

async function main() {
  const read = libraries[which] === undefined ? (path) => load(which).parse(text(path)) : await libraries[which]()
  const out = []
  for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    try {
      for (const [key, value] of Object.entries(read(path))) out.push(`${key}=${value}\0`)
    } catch {
      // Refused: its variables are missing from what is printed.
    }
  }
  process.stdout.write(out.join(""))
}
main()
