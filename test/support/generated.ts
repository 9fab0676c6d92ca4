import { existsSync, rmSync } from "node:fs"
import { type Project, binary, layOut } from "./mycelium.ts"
import { until } from "./until.ts"

/**
 * Values that no service asks for, each in a file of its own with a program that reads it: what
 * needs no server.
 */

export const generatedNames = ["alpha", "beta", "gamma"] as const

export function variableOf(name: string): string {
  return name.toUpperCase()
}

/** Adopted. A restart takes as long as a file "hold" is there. */
export async function openGenerated(
  more: Readonly<Record<string, unknown>> = {},
  names: readonly string[] = generatedNames,
): Promise<Project> {
  const project = await layOut()
  for (const name of names) {
    project.write(`${name}.env`, `${variableOf(name)}=First-value-of-${name}.0123456789\n`)
    project.script(
      `restart-${name}`,
      `touch ${name}.begun`,
      "while test -e hold; do sleep 0.05; done",
      `cp ${name}.env ${name}.loaded`,
    )
  }
  project.configure(configOfGenerated(more, names))
  for (const args of [["init"], ["adopt", "production"]]) {
    const { code, stdout, stderr } = await project.mycelium(args)
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stdout}${stderr}`)
  }
  return project
}

export function configOfGenerated(
  more: Readonly<Record<string, unknown>> = {},
  names: readonly string[] = generatedNames,
): object {
  return {
    project: "shop",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: Object.fromEntries(names.map((name) => [name, "generated"])),
        outputs: names.map((name) => ({
          dotenv: `${name}.env`,
          merge: true,
          variables: { [variableOf(name)]: `{{ ${name}.password }}` },
        })),
        deployments: Object.fromEntries(
          names.map((name) => [
            name,
            {
              command: [`./restart-${name}`],
              reads: [`${name}.env`],
              healthy: { command: ["/bin/true"] },
            },
          ]),
        ),
        ...more,
      },
    },
  }
}

/** A rotation that is killed in its first restart. */
export async function killRotation(
  project: Project,
  selection: readonly string[] = ["production"],
): Promise<void> {
  const begun = project.path("alpha.begun")
  rmSync(begun, { force: true })
  project.write("hold", "")
  const child = Bun.spawn([binary, "rotate-now", ...selection], {
    cwd: project.folder,
    env: { ...project.environment },
    stdio: ["ignore", "ignore", "ignore"],
  })
  await until("the first restart", () => existsSync(begun))
  child.kill("SIGKILL")
  await child.exited
  rmSync(project.path("hold"))
}
