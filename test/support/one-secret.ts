import { type Project, layOut } from "./mycelium.ts"

/**
 * A project with one secret of a server: a merged `.env` shows it, and a program that is healthy
 * once it has loaded that file reads it.
 */
export async function layOutOneSecret(one: {
  readonly name: string
  readonly options: object
  readonly variable: string
  readonly password: string
  readonly adminPassword: string
}): Promise<Project> {
  const { name, options, variable, password, adminPassword } = one
  const project = await layOut(
    { ".env": `PORT=8080\n${variable}=${password}\n`, "rotator.password": adminPassword },
    {
      project: "shop",
      environments: {
        production: {
          rotate_every: "90d",
          secrets: { [name]: options },
          outputs: [
            { dotenv: ".env", merge: true, variables: { [variable]: `{{ ${name}.password }}` } },
          ],
          deployments: {
            api: { command: ["./restart"], healthy: { command: ["./health"], within: "2s" } },
          },
        },
      },
    },
  )
  project.script("restart", "cp .env loaded")
  project.script("health", "test -e loaded || exit 0", "cmp -s .env loaded")
  return project
}

/** Runs a command that must succeed; returns what it prints. */
export async function succeed(project: Project, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await project.mycelium(args)
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stdout}${stderr}`)
  return stdout
}
