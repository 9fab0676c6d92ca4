import { expect } from "bun:test"
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs"
import { type Project, type Ran, below, json, layOut } from "./mycelium.ts"

/** Files of another owner than the user that Mycelium runs as. */

export const [alice, app, me] = [4242, 4343, 4400]
export const why = whyNot()
export const skipped = why === undefined ? "" : ` (skipped: ${why})`

export function whyNot(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root, for files of two users"
  return Bun.which("setpriv") === null ? "setpriv is not installed" : undefined
}

const asUser = (...more: readonly string[]): readonly string[] => [
  "setpriv",
  `--reuid=${me}`,
  `--regid=${me}`,
  ...more,
]
export const alone = asUser("--clear-groups")
export const inGroup = asUser(`--groups=${app}`)
export const mayGive = asUser(`--groups=${app}`, "--inh-caps=+chown", "--ambient-caps=+chown")

export type Finding = {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly remedy?: string
}
export type Kind = {
  readonly output: object
  readonly file: string
  readonly text: (value: string) => string
}

export const value = "{{ key.password }}"
export const kinds: Readonly<Record<string, Kind>> = {
  "dotenv, merged": {
    output: { dotenv: "app/.env", merge: true, variables: { KEY: value } },
    file: "app/.env",
    text: (key) => `OTHER=1\nKEY=${key}\n`,
  },
  dotenv: {
    output: { dotenv: "app/.env", variables: { KEY: value } },
    file: "app/.env",
    text: (key) => `KEY=${key}\n`,
  },
  template: {
    output: { template: "app/conf", text: `key ${value}\n` },
    file: "app/conf",
    text: (key) => `key ${key}\n`,
  },
  json: {
    output: { json: "app/conf", variables: { key: value } },
    file: "app/conf",
    text: (key) => `{"key":"${key}"}\n`,
  },
  yaml: {
    output: { yaml: "app/conf", variables: { key: value } },
    file: "app/conf",
    text: (key) => `key: ${key}\n`,
  },
  folder: {
    output: { folder: "app/run", files: { key: value } },
    file: "app/run/key",
    text: (key) => key,
  },
}

/** A project of `me`, with an output that shows a value, adopted; then it is alice's, for group app. */
export async function lay(kind: Kind, more: object = {}): Promise<Project> {
  const project = await layOut({}, config(kind, more))
  const first = "Rk7vQ2xN9pLw4TzB8mHc3YfJ6sDg5Xq1"
  mkdirSync(project.path("app/run"), { recursive: true })
  project.write(kind.file, kind.text(first))
  for (const path of [project.root, ...below(project.root)]) chownSync(path, me, me)
  expect((await project.mycelium(["init"], { under: alone })).code).toBe(0)
  const adopted = await project.mycelium(["adopt", "production"], { under: alone })
  expect(`${adopted.code} ${adopted.stdout}${adopted.stderr}`).toStartWith("0 ")
  give(project.path(kind.file), alice, 0o640)
  return project
}

export function config({ output }: Kind, more: object): object {
  return {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { key: "generated" },
        outputs: [{ ...output, ...more }],
      },
    },
  }
}

export function give(path: string, uid: number, mode: number): void {
  chownSync(path, uid, app)
  chmodSync(path, mode)
}

export function facts(project: Project, file: string): string {
  const { uid, gid, mode } = statSync(project.path(file))
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)} ${project.read(file)}`
}
export const ownerOf = (project: Project, file: string): string =>
  facts(project, file).split(" ", 2).join(" ")
export const rotate = (project: Project, under: readonly string[]): Promise<Ran> =>
  project.mycelium(["rotate-now", "production"], { under })

export async function found(
  project: Project,
  under: readonly string[],
): Promise<readonly Finding[]> {
  const ran = await project.mycelium(["check", "--json"], { under })
  return json<{ readonly findings: readonly Finding[] }>(ran).findings.filter(({ code }) =>
    ["owner-not-kept", "owner-refused"].includes(code),
  )
}

export function versions(project: Project): readonly string[] {
  return (
    JSON.parse(project.read(project.statePath())) as {
      secrets: { key: { versions: { id: string }[] } }
    }
  ).secrets.key.versions.map(({ id }) => id)
}
