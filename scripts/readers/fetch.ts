import { createHash } from "node:crypto"
import { cpSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { cached } from "../servers/cache.ts"
import { debianPackages, libraryPath } from "../servers/debian.ts"
import { run } from "../servers/run.ts"

/**
 * Readers of `.env` files that this machine lacks, fetched once into the ignored folder
 * .tools/servers; nothing is installed.
 */
export type Place = { readonly folder: string } | { readonly why: string }

export const programs = join(import.meta.dir, "programs")

const npmPackages = [
  "dotenv@18",
  "dotenv17@npm:dotenv@17",
  "dotenv16@npm:dotenv@16",
  "dotenv14@npm:dotenv@14",
  "dotenv8@npm:dotenv@8",
  "dotenv-expand@1000",
  "@dotenvx/dotenvx@2",
  "dotenv-flow@4",
  "env-cmd@11",
  "foreman@3",
  "@next/env@16",
  "vite@8",
  "deno@2.9",
]

export function npm(): Promise<Place> {
  return cached(`readers-npm-${digest(npmPackages.join(" "))}`, async (draft) => {
    writeFileSync(join(draft, "package.json"), "{}")
    return why(
      await run(
        [
          "npm",
          "install",
          "--ignore-scripts",
          "--no-audit",
          "--no-fund",
          "--no-package-lock",
          "--loglevel=error",
          ...npmPackages,
        ],
        { cwd: draft },
      ),
    )
  })
}

const youngPython = [
  "python-dotenv==1.2.*",
  "environs==15.*",
  "django-environ==0.14.*",
  "python-decouple==3.8",
  "pydantic-settings==2.16.*",
  "dynaconf==3.3.*",
  "honcho==2.*",
  "starlette==1.*",
]

export function python(age: "young" | "old"): Promise<Place> {
  const packages = age === "young" ? youngPython : ["python-dotenv==0.21.1"]
  return cached(`readers-python-${age}-${digest(packages.join(" "))}`, async (draft) =>
    why(await run(["python3", "-m", "pip", "install", "--quiet", "--target", draft, ...packages])),
  )
}

/** One of our modules that only re-exports libraries, built. */
export function go(name: "go" | "kubectl"): Promise<Place> {
  return cached(`readers-${name}-${sourceDigest(name)}`, async (draft) => {
    cpSync(join(programs, name), draft, { recursive: true })
    return (
      why(await run(["go", "mod", "tidy"], { cwd: draft })) ??
      why(await run(["go", "build", "-o", "reader", "."], { cwd: draft }))
    )
  })
}

export function rust(): Promise<Place> {
  return cached(`readers-rust-${sourceDigest("rust")}`, async (draft) => {
    cpSync(join(programs, "rust"), draft, { recursive: true })
    return why(await run(["cargo", "build", "--quiet", "--release"], { cwd: draft }))
  })
}

export function java(): Promise<Place> {
  const source = join(programs, "Read.java")
  return cached(`readers-java-${digest(readFileSync(source, "utf8"))}`, async (draft) => {
    const fetched = why(
      await run([
        "mvn",
        "-q",
        "dependency:copy",
        "-Dartifact=io.github.cdimascio:dotenv-java:3.2.0",
        `-DoutputDirectory=${draft}`,
      ]),
    )
    return (
      fetched ??
      why(await run(["javac", "-cp", join(draft, "dotenv-java-3.2.0.jar"), "-d", draft, source]))
    )
  })
}

const debian = [
  "ruby",
  "ruby-dotenv",
  "ruby-foreman",
  "php-cli",
  "php-vlucas-phpdotenv",
  "php-symfony-dotenv",
  "direnv",
]

export function debianReaders(): Promise<Place> {
  return debianPackages(
    `readers-debian-${digest(debian.join(" "))}`,
    debian,
    [],
    /^(lib|ruby|php)[a-z0-9.+-]*$/,
  )
}

/** Shells that a machine may lack. */
export function shells(): Promise<Place> {
  return debianPackages("readers-shells", ["zsh", "mksh", "busybox"])
}

/** What unpacked Ruby and PHP need to find their own libraries. */
export function debianEnv(folder: string): Readonly<Record<string, string>> {
  const gems = "usr/share/rubygems-integration/all/gems"
  const ruby = [
    ...inside(folder, gems).map((gem) => join(gem, "lib")),
    "usr/lib/ruby/vendor_ruby",
    ...inside(folder, "usr/lib/ruby"),
    ...inside(folder, "usr/lib/x86_64-linux-gnu/ruby"),
  ]
  return {
    LD_LIBRARY_PATH: libraryPath(folder),
    RUBYLIB: ruby.map((path) => join(folder, path)).join(":"),
    RUBYOPT: "--disable-gems",
  }
}

function inside(folder: string, path: string): readonly string[] {
  return listed(join(folder, path)).map((name) => join(path, name))
}

/** "usr/bin/ruby3.1": the program of whatever version there is. */
export function debianProgram(folder: string, pattern: RegExp): string | undefined {
  const name = listed(join(folder, "usr/bin")).find((one) => pattern.test(one))
  return name === undefined ? undefined : join(folder, "usr/bin", name)
}

/** Extensions of PHP, by the full path. */
export function phpExtensions(folder: string, names: readonly string[]): readonly string[] {
  const [versions] = inside(folder, "usr/lib/php").filter((path) => /\/\d+$/.test(path))
  return versions === undefined
    ? []
    : names.map((name) => `-dextension=${join(folder, versions, `${name}.so`)}`)
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function why(ran: { readonly ok: boolean; readonly err: string }): string | undefined {
  if (ran.ok) return undefined
  return ran.err === "" ? "it ended with an error" : ran.err
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12)
}

function sourceDigest(name: string): string {
  return digest(
    readdirSync(join(programs, name), { recursive: true, encoding: "utf8" })
      .sort()
      .map((path) => join(programs, name, path))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, "utf8"))
      .join("\0"),
  )
}
