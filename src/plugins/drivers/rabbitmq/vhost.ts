import { z } from "zod"
import type { Unfit } from "../server/findings.ts"
import { askApi, read } from "./api.ts"
import type { RabbitmqTarget } from "./target.ts"

/** Why programs cannot open the virtual host of the config, as the admin sees it. */

const Limits = z.array(z.object({ value: z.record(z.string(), z.number()).catch({}) }))

export async function shutVhost(
  target: RabbitmqTarget,
  vhost: string,
  signal: AbortSignal,
): Promise<Unfit | undefined> {
  const { user } = target.options
  const [name, login] = [encodeURIComponent(vhost), encodeURIComponent(user)]
  const look = (path: string): ReturnType<typeof askApi> =>
    askApi(target, { method: "GET", path }, signal)
  if ((await look(`/api/vhosts/${name}`)).status === 404)
    return {
      code: "rabbitmq-vhost-missing",
      message: `there is no virtual host ${vhost}`,
      hint: "name in vhost the one that programs use, or, if it is to be there: rabbitmqctl add_vhost",
    }
  if ((await look(`/api/permissions/${name}/${login}`)).status === 404)
    return {
      code: "rabbitmq-vhost-closed",
      message: `user ${user} may not open the virtual host ${vhost}`,
      hint:
        "correct vhost in the config, or give the user what its programs need there: " +
        `rabbitmqctl set_permissions -p ${vhost} ${user} CONFIGURE WRITE READ`,
    }
  const limits = await look(`/api/vhost-limits/${name}`)
  const isFull =
    limits.status !== 404 &&
    read(Limits, limits).some(({ value }) => value["max-connections"] === 0)
  return isFull
    ? {
        code: "rabbitmq-vhost-closed",
        message: `the virtual host ${vhost} takes no connection: its limit is 0`,
        hint: `if programs are to be let in again: rabbitmqctl clear_vhost_limits -p ${vhost}`,
      }
    : undefined
}
