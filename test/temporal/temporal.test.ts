import { describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporalPrograms } from "../../scripts/servers/temporal.ts"
import { layOut, type Project } from "../support/mycelium.ts"
import { account, hand } from "../support/servers/account.ts"
import { type PostgresServer, startPostgres } from "../support/servers/postgres.ts"
import { openTemporal, type Progress, type TemporalServer } from "../support/servers/temporal.ts"
import { until } from "../support/servers/until.ts"

/**
 * The password of a Temporal server's database account is rotated under a running workflow: by a
 * file that each new connection reads, and by the server's config with a restart. The config is
 * config/temporal/mycelium.yaml.
 */

const programs = await temporalPrograms()
const user = "temporal"
const owner = account === undefined ? {} : { owner: `${account.uid}:${account.gid}` }

type Shop = {
  readonly project: Project
  readonly temporal: TemporalServer
  readonly postgres: PostgresServer
}

async function open(postgres: PostgresServer): Promise<Shop & { readonly password: string }> {
  const password = randomBytes(18).toString("hex")
  await postgres.sql(`create role ${user} login password '${password}'`)
  const temporal = await openTemporal(postgres, { user, password })
  const project = await layOut()
  return { project, temporal, postgres, password }
}

function configOf({ postgres, temporal }: Shop, output: object, deployment: object): object {
  const address = `postgresql://${postgres.host}:${postgres.port}/temporal`
  return {
    project: "temporal",
    schedule: "0 3 * * SUN",
    environments: {
      production: {
        rotate_every: "90d",
        secrets: { database: { driver: "postgres", address, role: user } },
        outputs: [output],
        deployments: {
          temporal: { ...deployment, healthy: { http: temporal.health, within: "60s" } },
        },
      },
    },
  }
}

async function mycelium(project: Project, ...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await project.mycelium(args)
  expect({ code, said: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, said: "" })
}

/** Every connection of the server began after `since`: none lives on with what it logged in with before. */
async function allNewer(postgres: PostgresServer, since: unknown): Promise<void> {
  await until("new connections only", async () => {
    const [row] = await postgres.sql(
      `select count(*) filter (where backend_start <= '${since}') as old, ` +
        `count(*) as all from pg_stat_activity where usename = '${user}'`,
    )
    return Number(row?.["old"]) === 0 && Number(row?.["all"]) > 0 ? true : undefined
  })
}

async function now(postgres: PostgresServer): Promise<string> {
  const [row] = await postgres.sql("select clock_timestamp()::text as now")
  return String(row?.["now"])
}

function failures({ events = {} }: Progress): readonly (readonly [string, number])[] {
  return Object.entries(events).filter(([name]) => /Failed|TimedOut/.test(name))
}

describe.skipIf(!programs.found)(
  `the database account of Temporal${programs.found ? "" : ` (skipped: ${programs.why})`}`,
  () => {
    test("a password that each new connection reads: rotated under a workflow, no restart", async () => {
      await using postgres = await startPostgres()
      const { project, temporal, password } = await open(postgres)
      await using _ = temporal
      await using __ = project
      const file = join(temporal.folder, "password")
      await writeFile(file, password, { mode: 0o600 })
      await hand(file)
      const read = `passwordCommand: { command: cat, args: ["${file}"] }`
      await writeFile(temporal.config, await temporal.configText([read], user))
      await hand(temporal.config)
      const output = { template: file, text: "{{ database.password }}", ...owner }
      project.configure(configOf({ project, temporal, postgres }, output, { command: ["true"] }))
      await temporal.start()
      const server = await temporal.pid()
      await mycelium(project, "init")
      await mycelium(project, "adopt", "production")
      await using workflow = await temporal.startWorkflow()
      await workflow.goesOn(20)
      for (let turn = 0; turn < 5; turn++) {
        await mycelium(project, "rotate-now", "production")
        const since = await now(postgres)
        await allNewer(postgres, since)
        await workflow.goesOn(20)
      }
      expect(await temporal.pid()).toBe(server)
      const { asked, refused } = workflow.progress
      expect({ refused, enough: asked > 50 }).toEqual({ refused: 0, enough: true })
      process.kill(server, "SIGKILL")
      await mycelium(project, "rotate-now", "production")
      await workflow.goesOn(20)
      const ended = await workflow.end()
      expect(failures(ended)).toEqual([])
      expect(ended.done).toBeGreaterThan(140)
    }, 300_000)

    test("a password in the server's config: the server is restarted, and the workflow goes on", async () => {
      await using postgres = await startPostgres()
      const { project, temporal, password } = await open(postgres)
      await using _ = temporal
      await using __ = project
      const written = await temporal.configText(["password: '{{ database.password }}'"], user)
      await writeFile(temporal.config, written.replaceAll("{{ database.password }}", password))
      await chmod(temporal.config, 0o600)
      await hand(temporal.config)
      const output = { template: temporal.config, text: written, ...owner }
      // A supervisor starts it again.
      const signal = { pid_file: temporal.pidFile, name: "TERM" }
      project.configure(configOf({ project, temporal, postgres }, output, { signal }))
      await temporal.start()
      await mycelium(project, "init")
      await mycelium(project, "adopt", "production")
      await using workflow = await temporal.startWorkflow()
      await workflow.goesOn(20)
      for (let turn = 0; turn < 3; turn++) {
        const server = await temporal.pid()
        await mycelium(project, "rotate-now", "production")
        expect(await temporal.pid()).not.toBe(server)
        await workflow.goesOn(20)
      }
      const end = await workflow.end()
      // A workflow task that the server was handing out as it ended is handed out again after its timeout.
      expect(failures(end).filter(([name]) => name !== "WorkflowTaskTimedOut")).toEqual([])
    }, 300_000)
  },
)
