import type { DriverType, HealthType, OutputType, RestarterType } from "../core/define.ts"

/**
 * The registries once more, each plug-in by its name and loaded when it is asked for: to load them
 * all takes longer than most of what only looks at a config. test/law/registry.test.ts holds them
 * alike.
 */
export const loaders = {
  drivers: {
    exec: async () => (await import("./drivers/exec/index.ts")).exec,
    generated: async () => (await import("./drivers/generated.ts")).generated,
    mariadb: async () => (await import("./drivers/mariadb/index.ts")).mariadb,
    postgres: async () => (await import("./drivers/postgres/index.ts")).postgres,
    rabbitmq: async () => (await import("./drivers/rabbitmq/index.ts")).rabbitmq,
    redis: async () => (await import("./drivers/redis/index.ts")).redis,
  },
  outputs: {
    aws_parameter: async () => (await import("./outputs/aws_parameter.ts")).awsParameter,
    aws_secret: async () => (await import("./outputs/aws_secret.ts")).awsSecret,
    dotenv: async () => (await import("./outputs/dotenv/index.ts")).dotenv,
    folder: async () => (await import("./outputs/folder/index.ts")).folder,
    json: async () => (await import("./outputs/json.ts")).json,
    template: async () => (await import("./outputs/template.ts")).template,
    vault: async () => (await import("./outputs/vault.ts")).vault,
    yaml: async () => (await import("./outputs/yaml.ts")).yaml,
  },
  restarters: {
    command: async () => (await import("./restarters/command.ts")).command,
    compose: async () => (await import("./restarters/compose/index.ts")).compose,
    signal: async () => (await import("./restarters/signal.ts")).signal,
    systemd: async () => (await import("./restarters/systemd/index.ts")).systemd,
  },
  healths: {
    command: async () => (await import("./healths/command.ts")).command,
    container: async () => (await import("./healths/container.ts")).container,
    http: async () => (await import("./healths/http.ts")).http,
    tcp: async () => (await import("./healths/tcp.ts")).tcp,
  },
} as const

type Named = {
  readonly drivers: readonly DriverType[]
  readonly outputs: readonly OutputType[]
  readonly restarters: readonly RestarterType[]
  readonly healths: readonly HealthType[]
}

/** Every plug-in whose name stands in the text, so every one that it can mean. */
export async function pluginsNamedIn(text: string): Promise<Named> {
  const named = <Type>(kind: Readonly<Record<string, () => Promise<Type>>>): Promise<Type[]> =>
    Promise.all(
      Object.entries(kind).flatMap(([name, load]) => (text.includes(name) ? [load()] : [])),
    )
  const [drivers, outputs, restarters, healths] = await Promise.all([
    named<DriverType>(loaders.drivers),
    named<OutputType>(loaders.outputs),
    named<RestarterType>(loaders.restarters),
    named<HealthType>(loaders.healths),
  ])
  return { drivers, outputs, restarters, healths }
}
