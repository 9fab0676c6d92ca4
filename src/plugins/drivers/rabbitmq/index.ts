import { defineDriver } from "../../../core/define.ts"
import { isLocal, sayAddress } from "../server/address.ts"
import { passwordShape } from "../server/password-options.ts"
import { parseAddress } from "./address.ts"
import { readAccount } from "./api.ts"
import { apply } from "./apply.ts"
import { deleteLogin } from "./delete-login.ts"
import { endEverySession } from "./sessions.ts"
import { amqpOf, RabbitmqOptions } from "./options.ts"
import { preflight } from "./preflight.ts"
import { probe } from "./probe.ts"
import { readInstalled } from "./read-installed.ts"
import { revokeOthers } from "./revoke-others.ts"
import { revoke } from "./revoke.ts"
import { settleMs, SettledWatch } from "./settle.ts"
import { makeTarget } from "./target.ts"

/** The password of one RabbitMQ user: one value at a time, `apply` ends the old one. */
export const rabbitmq = defineDriver({
  type: "rabbitmq",
  summary: "the password of a RabbitMQ user, changed by the management API with its salted hash",
  options: RabbitmqOptions,
  fields: ["user", "password"],
  shape: passwordShape,
  overlap: () => "one",
  server: ({ address }) => `rabbitmq://${sayAddress(parseAddress(address))}`,
  places: ({ address }) => [sayAddress(parseAddress(address))],
  inClear: (options) =>
    [parseAddress(options.address), amqpOf(options)]
      .filter((one) => !one.tls && isLocal(one))
      .map(sayAddress),
  logins: ({ address, user }) => [`rabbitmq://${sayAddress(parseAddress(address))} user ${user}`],
  open: (options, context) => {
    const target = makeTarget(options, context)
    const settled = new SettledWatch(context.host)
    return {
      overlap: "one",
      settleMs,
      generate: (_, text) => ({
        user: options.user,
        password: text("password", passwordShape(options)),
      }),
      preflight: (versions, signal) => preflight(target, versions, signal),
      settle: (_, signal) => settled.settle(() => readAccount(target, signal), signal),
      apply: (next, _, signal) => settled.act(() => apply(target, next, signal)),
      probe: (candidate, signal, heard) => probe(target, candidate, signal, heard),
      revoke: (_, live, ask, signal) => revoke(target, live, ask, signal),
      revokeOthers: (live, signal, waitedMs = 0) =>
        settled.act(() => revokeOthers(target, live, waitedMs, signal)),
      readInstalled: (signal) => readInstalled(target, signal),
      deleteLogin: (_, signal) => settled.act(() => deleteLogin(target, signal)),
      endSessions: (_, signal, waitedMs = 0) => endEverySession(target, waitedMs, signal),
      describe: () => `PUT /api/users/${encodeURIComponent(options.user)} (password_hash)`,
    }
  },
})
