import { expect } from "bun:test"
import { type Project, json, layOut } from "./mycelium.ts"
import { succeed } from "./one-secret.ts"

/** An output of every kind, in one project. */

export type Finding = { readonly code: string; readonly severity: string; readonly message: string }

export const value = "{{ key.password }}"
export const kinds = {
  dotenv: { dotenv: "out/env", variables: { KEY: value, OTHER: "{{ other.password }}" } },
  template: {
    template: "out/redis.conf",
    text: `requirepass ${value}\nmasterauth {{ other.password }}\n`,
  },
  "template, one way": {
    template: "out/one-way",
    text: `{% if true %}${value} {{ other.password | slice: 0, 4 }}{% endif %}\n`,
  },
  json: { json: "out/x.json", variables: { a: { b: value }, c: "{{ other.password }}" } },
  yaml: { yaml: "out/x.yml", variables: { a: { b: value }, c: "{{ other.password }}" } },
  folder: { folder: "out/run", files: { key: value, other: "{{ other.password }}" } },
} as const
export const paths: Readonly<Record<keyof typeof kinds, string>> = {
  dotenv: "out/env",
  template: "out/redis.conf",
  "template, one way": "out/one-way",
  json: "out/x.json",
  yaml: "out/x.yml",
  folder: "out/run/key",
}
export const names = Object.keys(kinds) as readonly (keyof typeof kinds)[]

export function configOf(outputs: readonly object[]): object {
  return {
    project: "shop",
    rotate_every: "90d",
    environments: { production: { secrets: { key: "generated", other: "generated" }, outputs } },
  }
}

export async function rotated(outputs: readonly object[] = Object.values(kinds)): Promise<Project> {
  const project = await layOut({ "out/.keep": "" }, configOf(outputs))
  for (const args of [["init"], ["rotate-now", "--all", "--new"]]) await succeed(project, ...args)
  return project
}

/** By kind: the codes that check has about its file, or about the folder that it is in. */
export async function codesOf(
  project: Project,
): Promise<Readonly<Partial<Record<keyof typeof kinds, readonly string[]>>>> {
  const { findings } = json<{ readonly findings: readonly Finding[] }>(
    await project.mycelium(["check", "--json"]),
  )
  const own = findings.filter(
    ({ code }) => /^(output|file)-/.test(code) && code !== "output-not-ignored",
  )
  const of = (name: keyof typeof kinds): readonly string[] =>
    [
      ...new Set(
        own
          .filter(({ message }) =>
            message.includes(project.path(name === "folder" ? "out/run" : paths[name])),
          )
          .map(({ code }) => code),
      ),
    ].sort()
  const all = names.map((name) => [name, of(name)] as const)
  expect(all.flatMap(([, codes]) => codes).length).toBe(
    new Set(
      own.map(
        ({ code, message }) =>
          `${code} ` +
          `${names.find((name) => message.includes(project.path(name === "folder" ? "out/run" : paths[name]))) ?? message}`,
      ),
    ).size,
  )
  return Object.fromEntries(all.filter(([, codes]) => codes.length > 0))
}
export const eachOf = <T>(of: (name: keyof typeof kinds) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(names.map((name) => [name, of(name)]))
