import { adopt } from "./adopt.ts"
import { aws } from "./aws.ts"
import { azure } from "./azure.ts"
import { config } from "./config.ts"
import { exec } from "./exec.ts"
import { files } from "./files.ts"
import { google } from "./google.ts"
import { machine } from "./machine.ts"
import { mariadb } from "./mariadb.ts"
import { metrics } from "./metrics.ts"
import { notices } from "./notices.ts"
import { outputs } from "./outputs.ts"
import { postgres } from "./postgres.ts"
import { programs } from "./programs.ts"
import { rabbitmq } from "./rabbitmq.ts"
import { redis } from "./redis.ts"
import { rotation } from "./rotation.ts"
import { servers } from "./servers.ts"
import { state } from "./state.ts"
import { vault } from "./vault.ts"

/**
 * Every code of the program, by what it is about, in the order of `mycelium explain`. A test holds
 * them and the source equal.
 */
export const texts: readonly {
  readonly title: string
  readonly codes: Readonly<Record<string, string>>
}[] = [
  { title: "rotation", codes: rotation },
  { title: "restarts and health", codes: programs },
  { title: "state", codes: state },
  { title: "outputs", codes: { ...outputs, ...adopt } },
  { title: "files", codes: files },
  { title: "config", codes: config },
  { title: "machine", codes: machine },
  { title: "servers", codes: servers },
  { title: "aws", codes: aws },
  { title: "azure", codes: azure },
  { title: "google", codes: google },
  { title: "mariadb", codes: mariadb },
  { title: "postgres", codes: postgres },
  { title: "rabbitmq", codes: rabbitmq },
  { title: "redis", codes: redis },
  { title: "vault", codes: vault },
  { title: "notices", codes: notices },
  { title: "metrics", codes: metrics },
  { title: "programs of yours", codes: exec },
]

export function explanationOf(code: string): string | undefined {
  const found = texts.find(({ codes }) => Object.hasOwn(codes, code))
  return found?.codes[code]
}
export function allCodes(): readonly string[] {
  return texts.flatMap(({ codes }) => Object.keys(codes))
}
