import { binary, layOut, type Project } from "../../test/support/mycelium.ts"
import {
  type DockerEngine,
  dockerIsMissing,
  startDocker,
} from "../../test/support/servers/docker.ts"
import { type PostgresServer, startPostgres } from "../../test/support/servers/postgres.ts"
import { type Row, median, ms, quantile } from "./measure.ts"

/**
 * How long logins fail where a program in a container holds the one password of a role: from the
 * change (PostgreSQL has said yes to it) to the start of the new container, beside
 * `docker compose up -d` alone (from its begin to the same). In turn, on a real engine; none where
 * none can be started.
 */
export async function composeRows(rounds: number): Promise<readonly Row[]> {
  const why = await dockerIsMissing()
  if (why !== undefined) {
    process.stderr.write(`bench: compose: left out: ${why}\n`)
    return []
  }
  await using engine = await startDocker()
  await using server = await startPostgres()
  await using project = await begin(engine, server)
  const gaps: number[] = []
  const alone: number[] = []
  for (let round = 0; round < rounds; round++) {
    gaps.push(await startedAfter(engine, await rotate(engine, project)))
    alone.push(await startedAfter(engine, await up(engine, project, round)))
  }
  const beyond = gaps.map((gap, index) => gap - (alone[index] ?? 0))
  return [
    {
      row: "gap with one role, of one container of Compose",
      ours: `${ms(median(gaps))}, p99 ${ms(quantile(gaps, 0.99))}`,
      limit: `${ms(median(alone))}, p99 ${ms(quantile(alone, 0.99))} docker compose up -d alone`,
      ratio: median(gaps) / median(alone),
      aim: "<= up -d + 50 ms",
      met: median(beyond) <= 50,
      note:
        `${rounds} rotations; beyond up -d ${ms(median(beyond))}, ` +
        `p99 ${ms(quantile(beyond, 0.99))}; a container that stops and starts at once`,
    },
  ]
}

const service = {
  image: "app:1",
  command: ["sleep", "1000"],
  network_mode: "host",
  stop_grace_period: "0s",
  env_file: ".env",
}

async function begin(engine: DockerEngine, server: PostgresServer): Promise<Project> {
  const password = `First-${crypto.randomUUID()}`
  await server.sql(`create role shop login password '${password}'`)
  const production = {
    rotate_every: "90d",
    secrets: {
      postgres: { address: `postgresql://127.0.0.1:${server.port}/postgres`, role: "shop" },
    },
    outputs: [
      {
        dotenv: ".env",
        for: "compose",
        merge: true,
        variables: { POSTGRES_PASSWORD: "{{ postgres.password }}" },
      },
    ],
    // What asks for its health comes after the start, and is the program's affair.
    deployments: { api: { compose: "api", healthy: { command: ["true"] } } },
  }
  const files = {
    "compose.yaml": JSON.stringify({ services: { api: service } }),
    ".env": `ROUND=\nPOSTGRES_PASSWORD=${password}\n`,
  }
  const project = await layOut(files, { project: "shop", environments: { production } })
  for (const words of [["init"], ["adopt", "production"]])
    if ((await project.mycelium(words)).code !== 0) throw new Error(`${words[0]} failed`)
  await engine.must(["docker", "compose", "up", "-d"], project.folder)
  return project
}

/** When the change was answered: the line "verify" follows it at once. */
async function rotate(engine: DockerEngine, project: Project): Promise<number> {
  const { folder, environment } = project
  const argv = [...engine.under(), binary, "rotate-now", "production"]
  const child = Bun.spawn(argv, {
    cwd: folder,
    env: { ...environment, ...engine.env },
    stdio: ["ignore", "ignore", "pipe"],
  })
  let [said, changed] = ["", 0]
  for await (const bytes of child.stderr) {
    said += new TextDecoder().decode(bytes)
    if (changed === 0 && /^verify /m.test(said)) changed = Date.now()
  }
  if ((await child.exited) !== 0 || changed === 0) throw new Error(`not rotated: ${said}`)
  return changed
}

/** As a person does after an edit of `.env`. */
async function up(engine: DockerEngine, project: Project, round: number): Promise<number> {
  project.write(".env", project.read(".env").replace(/^ROUND=.*$/m, `ROUND=${round}`))
  const began = Date.now()
  await engine.must(["docker", "compose", "up", "-d"], project.folder)
  return began
}

async function startedAfter(engine: DockerEngine, began: number): Promise<number> {
  const started = await engine.must([
    "docker",
    "inspect",
    "--format",
    "{{.State.StartedAt}}",
    "project-api-1",
  ])
  const after = Date.parse(started) - began
  if (!(after > 0)) throw new Error("the container was not made anew")
  return after
}
