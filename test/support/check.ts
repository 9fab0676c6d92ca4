import { type Project, json, layOut } from "./mycelium.ts"

/** A machine on which `mycelium check` finds nothing, and what check prints. */

export type Document = {
  readonly ok: boolean
  readonly errors: number
  readonly warnings: number
  readonly mended: readonly string[]
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly message: string
    readonly remedy?: string
  }[]
}

/** A sound machine: two environments, both rotated, with an output each, a restart and a health check. */
export async function sound(): Promise<Project> {
  const project = await layOut()
  const restart = project.script("restart", "exit 0")
  const environment = (name: string): object => ({
    secrets: { key: "generated" },
    outputs: [{ dotenv: `${name}.env`, variables: { KEY: "{{ key.password }}" } }],
    deployments: { api: { command: [restart], healthy: { command: ["/bin/true"] } } },
  })
  project.configure({
    project: "shop",
    rotate_every: "90d",
    environments: { production: environment("production"), staging: environment("staging") },
  })
  for (const args of [["init"], ["rotate-now", "--all", "--new"]]) {
    const { code, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`)
  }
  return project
}

export async function documentOf(project: Project, ...args: readonly string[]): Promise<Document> {
  return json(await project.mycelium(["check", "--json", ...args]))
}

export async function git(project: Project, ...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(["git", ...args], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "ignore", "pipe"],
  })
  if ((await child.exited) !== 0) throw new Error(await child.stderr.text())
}
