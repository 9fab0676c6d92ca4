import { describeError } from "../../base/error.ts"
import { AppError } from "../../base/error.ts"
import type { Notice } from "../../notify/notice.ts"
import { type Command, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openToLook } from "../open-config.ts"
import { hintLines } from "../words.ts"

export const notify: Command = {
  usage:
    "Says who is told when something goes wrong. With --test, sends a notice to each and asks each ping, " +
    "and says whether it was taken.",
  options: {
    test: { type: "boolean", summary: "send a notice to each receiver, and ask each ping" },
  },
  looks: true,
  run: async (terminal, _, values) => {
    const { config } = await openToLook(terminal, values)
    const { receiversOf, pingsOf } = await import("../../notify/receiver.ts")
    const reach = { folder: config.folder, host: terminal.host }
    const receivers = receiversOf(config.notify, reach)
    const pings = pingsOf(config.notify, reach)
    if (receivers.length + pings.length === 0)
      throw new AppError("notify-none", "the config tells no one: it has no `notify`", {
        hint: "add one: mycelium help notices shows how",
      })
    const notice = testNotice(config.project, terminal)
    const all = [
      ...receivers.map(({ label, deliver }) => ({
        label,
        act: () => deliver(notice, terminal.stop),
      })),
      ...pings.map(({ label, ask }) => ({ label, act: () => ask(terminal.stop) })),
    ]
    if (!isSet(values, "test")) {
      for (const { label } of all) terminal.stdout(label)
      return exitCodes.done
    }
    const taken = await Promise.all(
      all.map(async ({ label, act }) => {
        try {
          await act()
          terminal.stdout(`${label}: taken`)
          return true
        } catch (error) {
          const { code, message, hint } = describeError(error)
          terminal.stdout(`${label}: NOT taken: ${message} (${code})`)
          for (const line of hintLines(hint)) terminal.stdout(line)
          return false
        }
      }),
    )
    if (taken.every(Boolean)) return exitCodes.done
    return taken.some(Boolean) ? exitCodes.partly : exitCodes.failed
  },
}

/** One that says of itself that nothing is wrong. */
function testNotice(
  project: string,
  { host }: { readonly host: { now(): Date; random(count: number): Uint8Array } },
): Notice {
  const at = host.now().toISOString()
  return {
    format: 1,
    id: Buffer.from(host.random(9)).toString("base64url"),
    project,
    at,
    began: [],
    ended: [
      {
        kind: "failed",
        code: "notice-test",
        message: "a test by mycelium notify --test: nothing is wrong",
        since: at,
      },
    ],
    standing: 0,
  }
}
