import { z } from "zod"
import type { Plugins, Surroundings } from "../../src/config/context.ts"
import { parseConfig } from "../../src/config/parse.ts"
import type { Config } from "../../src/config/model.ts"
import { ConfigProblems, formatProblems, type Problem } from "../../src/config/problems.ts"
import { defineDriver, defineHealth, defineOutput, defineRestarter } from "../../src/core/define.ts"
import { parseSchedule } from "../../src/plan/schedule.ts"
import { ReferenceOptions } from "../../src/plugins/references/index.ts"

/** Plug-ins as the loader sees them: data and schemas. None can be opened. */

function open(): never {
  throw new Error("the loader opens nothing")
}

const generated = defineDriver({
  type: "generated",
  summary: "a value that no service holds",
  options: z.strictObject({ length: z.number().int().min(8).optional() }),
  overlap: () => "none",
  logins: () => [],
  open,
})

const postgres = defineDriver({
  type: "postgres",
  summary: "one role or two",
  fields: ["user", "password"],
  options: z
    .strictObject({
      address: z.string(),
      role: z.string().optional(),
      roles: z.array(z.string()).length(2).optional(),
      admin: z.strictObject({ user: z.string(), password: ReferenceOptions() }).optional(),
    })
    .refine(({ role, roles }) => (role === undefined) !== (roles === undefined), {
      path: ["role"],
      message: "write either `role` or `roles`",
    }),
  overlap: ({ roles }) => (roles === undefined ? "one" : "both"),
  logins: ({ address, role, roles }) =>
    [role ?? [], roles ?? []].flat().map((one) => `${address} ${one}`),
  open,
})

const exec = defineDriver({
  type: "exec",
  summary: "a program",
  options: z.strictObject({ command: z.array(z.string()).min(1) }),
  overlap: () => "unknown",
  logins: () => [],
  open,
})

const dotenv = defineOutput({
  type: "dotenv",
  summary: "a file of variables",
  options: z.strictObject({
    dotenv: z.string(),
    for: z.enum(["portable", "compose"]).optional(),
    mode: z.string().optional(),
    owner: z.string().optional(),
    variables: z.record(
      z.string().regex(/^[A-Z_]+$/, "names of variables are upper case"),
      z.string(),
    ),
  }),
  target: ({ dotenv: file }, folder) => (file.startsWith("/") ? file : `${folder}/${file}`),
  inspect: ({ variables }) => ({
    shows: Object.values(variables).flatMap((text) =>
      [...text.matchAll(/\{\{ (\w+)\./g)].flatMap(([, name]) => name ?? []),
    ),
    problems: Object.entries(variables).flatMap(([name, text]) =>
      text.includes("{{ }}")
        ? [{ path: ["variables", name], message: "the template is empty" }]
        : [],
    ),
  }),
  open,
})

const command = defineRestarter({
  type: "command",
  summary: "a program",
  options: z.array(z.string()).min(1),
  open,
})
const compose = defineRestarter({
  type: "compose",
  summary: "docker compose",
  options: z.union([z.string(), z.strictObject({ file: z.string(), service: z.string() })]),
  open,
})
const Request = z.strictObject({ url: z.string(), status: z.number().optional() })
const http = defineHealth({
  type: "http",
  summary: "a request",
  options: z.union([z.string(), Request], { error: "expected an address, or { url, status }" }),
  open,
})
const ask = defineHealth({
  type: "command",
  summary: "a program",
  options: z.array(z.string()),
  open,
})

export const plugins: Plugins = {
  drivers: [generated, postgres, exec],
  outputs: [dotenv],
  restarters: [command, compose],
  healths: [http, ask],
}

export const surroundings: Surroundings = {
  env: (name) => (name === "HOME" ? "/home/app" : undefined),
  parseSchedule,
}

export const file = "/etc/shop/mycelium.yaml"

export function load(text: string, using: Plugins = plugins): Config {
  return parseConfig(text, file, using, surroundings)
}

/** The problems of a config that must have some. */
export function problemsOf(text: string, using: Plugins = plugins): readonly Problem[] {
  try {
    load(text, using)
  } catch (error) {
    if (error instanceof ConfigProblems) return error.problems
    throw error
  }
  throw new Error("the config was accepted")
}

/** "line:column path: sentence", as people see them, without the file. */
export function told(text: string, using: Plugins = plugins): string {
  return formatProblems(problemsOf(text, using)).replaceAll(`${file}:`, "")
}

/** A config with one environment that holds these lines besides one secret. */
export function environment(lines: string): string {
  const inside = lines.replace(/^/gm, "    ")
  return `project: shop\nenvironments:\n  production:\n    rotate_every: 90d\n${inside}\n`
}

/** The same with these lines under a secret named `db`. */
export function secret(options: string): string {
  return (
    "project: shop\n" +
    "environments:\n  " +
    "production:\n    " +
    "rotate_every: 90d\n    " +
    "secrets:\n      " +
    `db: ${options}\n`
  )
}
