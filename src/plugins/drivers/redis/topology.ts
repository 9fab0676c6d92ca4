import type { Finding } from "../../../core/ports.ts"
import type { Address } from "./address.ts"
import { sayAddress } from "../server/address.ts"
import type { Client } from "./clients.ts"
import type { Info } from "./info.ts"

/** Redis replicates data, not users: is every node named that keeps this user? */

export type Node = {
  readonly address: Address
  readonly info: Info
  /** None where the admin may not list them; that is a finding of its own. */
  readonly clients: readonly Client[]
  /** Of its cluster; undefined where it is in none. */
  readonly clusterNodes: number | undefined
}

export function topologyFindings(nodes: readonly Node[], user: string): readonly Finding[] {
  return [
    ...sameFindings(nodes),
    ...nodes.flatMap((node) => clusterFindings(node, nodes)),
    ...replicaFindings(nodes),
    ...nodes.flatMap((node) => loneFindings(node, nodes)),
    ...nodes.flatMap((node) => linkFindings(node, user)),
  ]
}

function sameFindings(nodes: readonly Node[]): readonly Finding[] {
  const again = nodes.find(
    (node, at) => nodes.findIndex((other) => other.info.runId === node.info.runId) < at,
  )
  if (again === undefined) return []
  return [
    problem(
      "redis-node-twice",
      `${sayAddress(again.address)} is a server that the config names by another address too`,
      "name each server once",
    ),
  ]
}

function clusterFindings(
  { address, clusterNodes }: Node,
  nodes: readonly Node[],
): readonly Finding[] {
  if (clusterNodes === undefined || clusterNodes <= nodes.length) return []
  const count = Number.isNaN(clusterNodes) ? "more nodes" : `${clusterNodes} nodes`
  return [
    problem(
      "redis-cluster",
      `${sayAddress(address)} belongs to a cluster of ${count}, each with its own users, ` +
        `and the config names ${nodes.length}`,
      "name every other node, replicas too, under also",
    ),
  ]
}

/**
 * Counted by replication id, which a primary and its replicas share: the address by which a replica
 * is known there need not be the one in the config.
 */
function replicaFindings(nodes: readonly Node[]): readonly Finding[] {
  const ids = new Set(nodes.map(({ info }) => info.replicationId))
  return [...ids].flatMap((id) => {
    const family = nodes.filter(({ info }) => info.replicationId === id)
    const connected = family.flatMap(({ info }) => info.replicas)
    const listed = family.filter(({ info }) => info.role === "slave" && info.linkedToPrimary)
    const [head] = family
    if (head === undefined || connected.length <= listed.length) return []
    const others = connected.filter(
      (replica) => replica !== "" && !nodes.some(({ address }) => sayAddress(address) === replica),
    )
    const places =
      others.length === connected.length - listed.length ? ` (${others.join(", ")})` : ""
    const [one, are] = [
      connected.length - listed.length,
      connected.length - listed.length === 1 ? "replica is" : "replicas are",
    ]
    const strange = family.flatMap(({ clients }) => clients.filter(isReplica))
    const users = [...new Set(strange.map((client) => client.user))].filter(Boolean)
    const ends =
      "if it is none of yours: CLIENT KILL TYPE replica ends " +
      `it${users.length === 0 ? "" : ` (replicas are logged in as ${users.join(", ")})`}`
    return [
      {
        ...problem(
          "redis-replica-unlisted",
          `${sayAddress(head.address)}: ${one} connected ${are} not in the config${places}, ` +
            "and would go on with the old password",
          others.every((replica) => replica.endsWith(":0"))
            ? "it names no port, so it may be a program that reads all data as a replica does " +
                `(redis-cli --replica, SYNC); ${ends}; else name it under also`
            : `name every replica under also; ${ends}`,
        ),
        yields: true,
      },
    ]
  })
}

/**
 * A replica alone: its primary, and after a failover everybody, would not know the new password.
 */
function loneFindings({ address, info }: Node, nodes: readonly Node[]): readonly Finding[] {
  if (
    info.role !== "slave" ||
    nodes.some(
      (other) => other.info.role === "master" && other.info.replicationId === info.replicationId,
    )
  )
    return []
  const why = info.linkedToPrimary
    ? "whose primary is not in the config"
    : "that is cut off from its primary, or whose primary is not in the config"
  return [
    {
      ...problem(
        "redis-replica-alone",
        `${sayAddress(address)} is a replica ${why}`,
        "give the primary's address, and name its replicas under also; " +
          "if it is to be no replica: REPLICAOF NO ONE",
      ),
      yields: true,
    },
  ]
}

/**
 * Replicas and sentinels keep their password in a setting of their own (masterauth, auth-pass),
 * which no one would change.
 */
function linkFindings({ address, clients }: Node, user: string): readonly Finding[] {
  const links = clients.filter(
    (client) => client.user === user && (isReplica(client) || client.name.startsWith("sentinel-")),
  )
  if (links.length === 0) return []
  const message =
    `${sayAddress(address)}: replicas or sentinels log in as user ${user}: ` +
    "they would be refused once its old password is gone"
  return [
    {
      ...problem(
        "redis-replication-user",
        message,
        "give them a user of their own: masteruser and masterauth, sentinel auth-user and auth-pass",
      ),
      yields: true,
    },
  ]
}

/** As the server sees the other end of a connection; it may be any program that said SYNC. */
export function isReplica({ flags }: Client): boolean {
  return flags.includes("S")
}

function problem(code: string, message: string, remedy: string): Finding {
  return { code, severity: "error", message, remedy }
}
