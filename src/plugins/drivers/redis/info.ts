import { AppError } from "../../../base/error.ts"
import type { Connection } from "./connection.ts"

/** What INFO says of one node, as far as it matters here. */
export type Info = {
  readonly version: number
  /** Another one after each start: tells two names of one server. */
  readonly runId: string
  /** "" where it was started without one. */
  readonly configFile: string
  readonly role: string
  /** The same at a primary and its replicas. */
  readonly replicationId: string
  readonly linkedToPrimary: boolean
  /** Direct replicas: "10.0.0.7:6379", or "" where the server's words are not an address. */
  readonly replicas: readonly string[]
  readonly cluster: boolean
}

export async function readInfo(connection: Connection): Promise<Info> {
  const reply = await connection.command(["INFO"])
  if (typeof reply !== "string")
    throw new AppError(
      "answer-malformed",
      `${connection.label}: the server's answer to INFO is not understood`,
    )
  const fields = new Map(
    reply
      .split("\r\n")
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(":")),
        line.slice(line.indexOf(":") + 1),
      ]),
  )
  const field = (name: string): string => fields.get(name) ?? ""
  const count = Math.min(Number(field("connected_slaves") || "0"), 10_000)
  return {
    version: Number.parseFloat(field("redis_version")) || 0,
    runId: field("run_id"),
    configFile: field("config_file"),
    role: field("role"),
    replicationId: field("master_replid"),
    linkedToPrimary: field("master_link_status") === "up",
    replicas: Array.from({ length: count }, (_, at) => replicaAt(field(`slave${at}`))),
    cluster: field("cluster_enabled") === "1",
  }
}

/** `ip=127.0.0.1,port=6380,state=online,…` */
function replicaAt(text: string): string {
  const [, host, port] = text.match(/^ip=([\w.:-]{1,253}),port=(\d{1,5}),/) ?? []
  return host === undefined || port === undefined
    ? ""
    : `${host.includes(":") ? `[${host}]` : host}:${port}`
}
