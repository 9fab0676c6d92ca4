import { expect, test } from "bun:test"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { lookAtCommand } from "../../../src/base/files/command-files.ts"
import { temporaryFolder } from "../../support/temp-folder.ts"

/** `theirs/` is a folder in which others can write: with a program, and nothing else. */
async function lay(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await temporaryFolder()
  mkdirSync(join(folder.path, "theirs"))
  write(join(folder.path, "theirs/program"), "#!/bin/sh\n")
  write(join(folder.path, "ours"), "#!/bin/sh\n")
  chmodSync(join(folder.path, "theirs"), 0o777)
  return folder
}

function write(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

/** What is found in the way, relative to the folder. */
async function writable(folder: string, argv: readonly string[]): Promise<readonly string[]> {
  const { obstacles } = await lookAtCommand({ argv, folder })
  return obstacles
    .filter(({ code }) => code === "hook-writable")
    .map(({ path }) => path.slice(folder.length + 1))
}

const theirs: readonly (readonly string[])[] = [
  ["sh", "theirs/program"],
  ["/bin/bash", "-eu", "-o", "pipefail", "./theirs/program"],
  ["bash", "-c", "true && theirs/program"],
  ["bash", "-lc", 'echo "$(theirs/program)"'],
  ["sh", "-c", "if true; then A=1 exec theirs/program > /dev/null; fi"],
  ["sh", "-c", "cd theirs && ./program"],
  ["sh", "-c", "cd theirs; sh program"],
  ["sh", "-c", "eval 'theirs/program'"],
  ["env", "-i", "A=1", "sh", "theirs/program"],
  ["env", "-S", "A=1 theirs/program"],
  ["nice", "-n", "5", "ionice", "-c", "2", "theirs/program"],
  ["timeout", "-k", "5", "30", "theirs/program"],
  ["flock", "-w", "3", "/dev/null", "theirs/program"],
  ["setsid", "nohup", "theirs/program"],
  ["sudo", "-n", "theirs/program"],
  ["sudo", "-u", "root", "theirs/program"],
  ["su-exec", "root", "theirs/program"],
  ["python3.11", "-u", "theirs/program"],
  ["python3", "-W", "ignore", "theirs/program"],
  ["node", "--require", "theirs/program", "ours"],
  ["node", "--import=./theirs/program", "ours"],
  ["bun", "run", "theirs/program"],
  ["perl", "-w", "theirs/program"],
  ["php", "-f", "theirs/program"],
  ["busybox", "sh", "theirs/program"],
  ["make", "-f", "theirs/program"],
  ["make", "-ftheirs/program"],
  ["bash", "-euo", "pipefail", "theirs/program"],
  ["bash", "-eo", "pipefail", "-c", "theirs/program"],
  ["bash", "-co", "pipefail", "theirs/program"],
  ["taskset", "-c", "0", "theirs/program"],
  ["env", "-C", "theirs", "./program"],
  ["env", "--chdir=theirs", "sh", "program"],
  ["env", "BASH_ENV=theirs/program", "./ours"],
  ["env", "NODE_OPTIONS=--require=./theirs/program", "node", "ours"],
  ["perl", "-Itheirs/program", "ours"],
  ["sh", "-c", "cd -- theirs && ./program"],
  ["sh", "-c", "cd -P theirs && ./program"],
  ["sh", "-c", "command cd theirs && ./program"],
  ["sh", "-c", "sh < theirs/program"],
  ["sh", "-c", "2>&- theirs/program"],
  ["sh", "-c", "trap theirs/program EXIT"],
  ["sh", "-c", "set -e; BASH_ENV=theirs/program bash ours"],
  ["find", "theirs/program", "-exec", "{}", ";"],
  ["find", ".", "-exec", "theirs/program", "{}", ";"],
  ["xargs", "-a", "/dev/null", "theirs/program"],
  ["run-parts", "theirs/program"],
  ["start-stop-daemon", "--start", "--exec", "theirs/program"],
  ["unshare", "-m", "theirs/program"],
  ["chroot", "/", "theirs/program"],
  ["script", "-qc", "theirs/program", "/dev/null"],
  ["systemd-run", "--service-type", "oneshot", "theirs/program"],
  ["systemd-run", "--unknown", "value", "theirs/program"],
  ...[
    "cat theirs/program | sh",
    "cat ours theirs/program | sed s/a/b/ | sudo -n bash -s -- now",
    "cd theirs && cat program | sh",
    "(cat theirs/program) |& sh -eu",
    "{ cat theirs/program; } | sh",
    "dd if=theirs/program | sh -",
    "cat theirs/program | python3",
    "cat theirs/program | perl -w -",
    "cat theirs/program | . /dev/stdin",
    "sudo -n sh < theirs/program",
    "< theirs/program sh",
    "bash <(cat theirs/program)",
    ". <(head -n 3 theirs/program)",
    "bash < <(cat theirs/program)",
    "sh <<< 'theirs/program --now'",
    "echo theirs/program --now | sh",
    'eval "$(cat theirs/program)"',
    "$(cat theirs/program)",
    "`cat theirs/program`",
    "cat theirs/program | xargs -I{} sh -c '{}'",
    "xargs sh -c < theirs/program",
    "cat ours && env -S 'sh theirs/program'",
  ].map((text) => ["sh", "-c", text]),
  ["bash", "-c", '"$(cat theirs/program)"'],
]
for (const argv of theirs)
  test(`${argv.join(" ")} runs a program of theirs`, async () => {
    await using folder = await lay()
    expect(await writable(folder.path, argv)).toEqual(["theirs/program"])
  })

const ours: readonly (readonly string[])[] = [
  ["systemctl", "restart", "shop"],
  ["rsync", "theirs/program", "/dev/null"],
  ["docker", "compose", "-f", "theirs/program", "up"],
  ["./ours", "theirs/program"],
  ["sh", "ours", "theirs/program"],
  ["sh", "-c", "cp theirs/program /dev/null; ./ours < theirs/program > theirs/log"],
  ["sh", "-c", "# theirs/program\necho 'theirs/program'"],
  ...[
    "cat theirs/program || sh ours",
    "cat theirs/program; sh ours",
    "cat theirs/program | grep sh",
    "cat theirs/program | sh ours",
    "cat theirs/program | node -e 'process.stdin.resume()'",
    "cat theirs/program | xargs systemctl restart",
    "cat theirs/program | xargs -n1 sh -c 'echo \"$1\"' _",
    "X=$(cat theirs/program); echo $X",
    "echo $(cat theirs/program)",
    "diff <(cat theirs/program) ours",
    "cat ours | sh > theirs/log",
    "curl -sf https://localhost/theirs/program | logger",
  ].map((text) => ["sh", "-c", text]),
  ["python3", "ours", "theirs/program"],
  ["ssh", "machine", "theirs/program"],
  // What runs as another user has that user's rights.
  ["sudo", "-u", "shop", "theirs/program"],
  ["su-exec", "shop:shop", "theirs/program"],
  ["su", "shop", "-c", "theirs/program"],
  ["setpriv", "--reuid=4242", "--clear-groups", "theirs/program"],
]
for (const argv of ours)
  test(`${argv.join(" ")} runs none`, async () => {
    await using folder = await lay()
    expect(await writable(folder.path, argv)).toEqual([])
  })

test("a #! line is followed, through each interpreter, and round a circle once", async () => {
  await using folder = await lay()
  const at = (name: string): string => join(folder.path, name)
  write(at("first"), `#!${at("second")} -x\n`)
  write(at("second"), `#!/usr/bin/env -S sh ${at("theirs/program")}\n`)
  write(at("circle"), `#!${at("circle")}\n`)
  expect(await writable(folder.path, ["./first"])).toEqual(["theirs/program"])
  expect(await writable(folder.path, ["./circle"])).toEqual([])
})

test("what is missing in a folder of others may be put there", async () => {
  await using folder = await lay()
  for (const argv of [["sh", "theirs/none"], ["theirs/none"], ["sh", "theirs/none/none"]])
    expect(await writable(folder.path, argv)).toEqual([argv.at(-1) ?? ""])
})

test("make reads the makefile of the folder that it enters", async () => {
  await using folder = await lay()
  const files = ["GNUmakefile", "makefile", "Makefile"].map((name) => `theirs/${name}`)
  expect(await writable(folder.path, ["make", "-C", "theirs", "restart"])).toEqual(files)
})

test("a link of theirs leads nowhere that we trust", async () => {
  await using folder = await lay()
  symlinkSync(join(folder.path, "ours"), join(folder.path, "theirs/link"))
  expect(await writable(folder.path, ["sh", "theirs/link"])).toEqual(["theirs/link"])
})
