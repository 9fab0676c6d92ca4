import { join } from "node:path"
import type { Programs } from "../../../scripts/servers.ts"
import type { Ports } from "./rabbitmq.ts"

type Launch = {
  readonly programs: Programs
  readonly folder: string
  readonly ports: Pick<Ports, "epmd" | "distribution">
}

/** What RabbitMQ's own script starts, without the script: Erlang, as our child. */
export function launchOf({ programs, folder, ports }: Launch): {
  readonly argv: readonly string[]
  readonly variables: Readonly<Record<string, string>>
} {
  const at = (name: string): string => join(folder, name)
  const { RABBITMQ_HOME = "" } = programs.env
  return {
    argv: [
      join(programs.bin, "erlexec"),
      ..."-noinput -boot start_sasl -s rabbit boot +W w".split(" "),
      // One scheduler that does not spin: many servers share a machine.
      ..."+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none".split(" "),
      ..."-kernel inet_dist_use_interface {127,0,0,1}".split(" "),
      ..."-syslog logger [] -syslog syslog_error_logger false".split(" "),
    ],
    variables: {
      HOME: folder,
      ERL_EPMD_PORT: String(ports.epmd),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_DIST_PORT: String(ports.distribution),
      RABBITMQ_NODENAME: "rabbit@localhost",
      RABBITMQ_HOME,
      RABBITMQ_PLUGINS_DIR: join(RABBITMQ_HOME, "plugins"),
      RABBITMQ_CONF_ENV_FILE: at("no-such-file"),
      RABBITMQ_CONFIG_FILE: at("rabbitmq.conf"),
      RABBITMQ_ADVANCED_CONFIG_FILE: at("advanced.config"),
      RABBITMQ_GENERATED_CONFIG_DIR: at("generated"),
      RABBITMQ_ENABLED_PLUGINS_FILE: at("enabled_plugins"),
      RABBITMQ_MNESIA_BASE: at("data"),
      RABBITMQ_PID_FILE: at("pid"),
      RABBITMQ_LOGS: "-",
      RABBITMQ_LOG_BASE: at("logs"),
    },
  }
}

type Config = {
  readonly ports: Ports
  readonly admin: { readonly user: string; readonly password: string }
  readonly folder: string
  readonly tls: boolean
  readonly more: readonly string[]
}

export function configText({ ports, admin, folder, tls, more }: Config): string {
  const certificate = (key: string): readonly string[] => [
    `${key}.certfile = ${join(folder, "server.crt")}`,
    `${key}.keyfile = ${join(folder, "server.key")}`,
  ]
  const listeners = tls
    ? [
        "listeners.tcp = none",
        `listeners.ssl.1 = 127.0.0.1:${ports.amqp}`,
        ...certificate("ssl_options"),
        "management.ssl.ip = 127.0.0.1",
        `management.ssl.port = ${ports.api}`,
        ...certificate("management.ssl"),
      ]
    : [
        `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
        "management.tcp.ip = 127.0.0.1",
        `management.tcp.port = ${ports.api}`,
      ]
  const own = [
    `default_user = ${admin.user}`,
    `default_pass = ${admin.password}`,
    "default_user_tags.administrator = true",
  ]
  return [...listeners, ...own, ...more, ""].join("\n")
}
