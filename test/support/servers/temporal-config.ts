/**
 * The config of a Temporal server for a test: all roles in one process, on loopback, with short
 * lives of connections.
 */

type Role = "frontend" | "history" | "matching" | "worker"
export type Ports = Readonly<Record<Role | `${Role}Members` | "http", number>>

type About = {
  readonly ports: Ports
  readonly database: { readonly host: string; readonly port: number; readonly user: string }
  /** Lines that say where a datastore's password is. */
  readonly passwords: readonly string[]
}

export function temporalConfig({ ports, database, passwords }: About): string {
  const store = (name: string): string => `
    ${name}:
      sql:
        pluginName: postgres12
        databaseName: ${name === "default" ? "temporal" : "temporal_visibility"}
        connectAddr: "${database.host}:${database.port}"
        connectProtocol: tcp
        user: ${database.user}
${passwords.map((line) => `        ${line}`).join("\n")}
        maxConns: 10
        maxIdleConns: 10
        maxConnLifetime: 1s`
  const service = (name: Role): string => `
  ${name}:
    rpc:
      grpcPort: ${ports[name]}
      membershipPort: ${ports[`${name}Members`]}
      bindOnIP: 127.0.0.1${name === "frontend" ? `\n      httpPort: ${ports.http}` : ""}`
  return `log: { stdout: true, level: warn }
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: 4
  datastores:${store("default")}${store("visibility")}
global:
  membership: { maxJoinDuration: 30s, broadcastAddress: 127.0.0.1 }
services:${service("frontend")}${service("history")}${service("matching")}${service("worker")}
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active:
      enabled: true
      initialFailoverVersion: 1
      rpcName: frontend
      rpcAddress: 127.0.0.1:${ports.frontend}
dcRedirectionPolicy: { policy: noop }
archival:
  history: { state: disabled }
  visibility: { state: disabled }
publicClient: { hostPort: "127.0.0.1:${ports.frontend}" }
`
}
