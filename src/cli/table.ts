import type { Entry, Group } from "./command.ts"

/** Every command, in the order of `--help`; each loads what it needs when it is called. */
export const groups: readonly Group[] = [
  {
    title: "every day",
    commands: [
      {
        name: "status",
        args: "[ENV]",
        summary: "ages, due times, what is stuck",
        load: async () => (await import("./commands/status.ts")).status,
      },
      {
        name: "plan",
        args: "[ENV]",
        summary: "what would happen in the next days, when and why",
        load: async () => (await import("./commands/plan.ts")).plan,
      },
      {
        name: "rotate-now",
        args: "[ENV[/SECRET]…]",
        summary: "rotate at once, prove it, revoke the old value",
        load: async () => (await import("./commands/rotate-now.ts")).rotateNow,
      },
      {
        name: "check",
        args: "",
        summary: "look for problems on this machine and in its state; --quick, --connect, --fix",
        load: async () => (await import("./commands/check.ts")).check,
      },
      {
        name: "explain",
        args: "[CODE]",
        summary: "what a code means, why it matters, what to do",
        load: async () => (await import("./commands/explain.ts")).explain,
      },
    ],
  },
  {
    title: "set-up",
    commands: [
      {
        name: "init",
        args: "",
        summary: "make an identity and a config; keeps what exists",
        load: async () => (await import("./commands/init.ts")).init,
      },
      {
        name: "adopt",
        args: "ENV",
        summary: "take over the existing values, proven by a login, changing nothing",
        load: async () => (await import("./commands/adopt.ts")).adopt,
      },
    ],
  },
  {
    title: "service",
    commands: [
      {
        name: "run",
        args: "",
        summary: "run as a service: rotate what is due, revoke the old values",
        load: async () => (await import("./commands/run.ts")).run,
      },
      {
        name: "notify",
        args: "",
        summary: "who is told when something goes wrong; --test sends a notice to each",
        load: async () => (await import("./commands/notify.ts")).notify,
      },
    ],
  },
  {
    title: "files",
    commands: [
      {
        name: "render",
        args: "[ENV]",
        summary: "write the outputs again from the current values",
        load: async () => (await import("./commands/render.ts")).render,
      },
      {
        name: "exec",
        args: "ENV -- PROGRAM…",
        summary: "run a program with the variables that the outputs show",
        load: async () => (await import("./commands/exec.ts")).exec,
      },
    ],
  },
  {
    title: "incident",
    commands: [
      {
        name: "audit",
        args: "[verify] [ENV…]",
        summary: "what happened, by whom; verify follows the chain of hashes",
        load: async () => (await import("./commands/audit.ts")).audit,
      },
      {
        name: "rekey",
        args: "",
        summary: "encrypt everything anew for today's recipients; --new-identity, --dry-run",
        load: async () => (await import("./commands/rekey.ts")).rekey,
      },
      {
        name: "reconcile",
        args: "ENV",
        summary: "after a restored backup: find the value that works, and make it the current one",
        load: async () => (await import("./commands/reconcile.ts")).reconcile,
      },
      {
        name: "report",
        args: "INCIDENT",
        summary: "what happened, whether it is over, what to do now; --since 90d: a review",
        load: async () => (await import("./commands/report.ts")).report,
      },
      {
        name: "delete",
        args: "ENV[/SECRET]",
        summary:
          "erase for good: login, outputs, then state; without --yes only says what it would do",
        load: async () => (await import("./commands/delete.ts")).deleteCommand,
      },
    ],
  },
  {
    title: "about",
    commands: [
      {
        name: "help",
        args: "[TOPIC]",
        summary: "the manual, and what each driver, output and key takes",
        load: async () => (await import("./commands/help.ts")).helpOn(groups),
      },
      {
        name: "completions",
        args: "SHELL",
        summary: "what bash, zsh or fish needs to complete commands, options and names",
        load: async () => (await import("./commands/completions.ts")).completionsOf(groups),
      },
      {
        name: "version",
        args: "",
        summary: "the version of this binary",
        load: async () => (await import("./commands/version.ts")).version,
      },
    ],
  },
]

export function findCommand(name: string): Entry | undefined {
  return groups.flatMap((group) => group.commands).find((one) => one.name === name)
}
export function commandNames(): readonly string[] {
  return groups.flatMap((group) => group.commands.map((one) => one.name))
}
